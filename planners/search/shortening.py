"""A plan made shorter: the states around it are gathered, and a cheapest way is searched that stays among them, time and again.

Source of the idea: Nakhost & Mueller 2010, "Action elimination and plan neighborhood graph search".
"""

from typing import Any

import numpy as np

from games.dispatch import suited
from games.jit import njit
from games.process import apply
from planners.search.best_first_search import EXHAUSTED, MEMORY, RUNNING, SOLVED, Search, Way

FIRST = 10_000  # states opened around a plan at first; doubled when they hold no shorter one
AROUND, AMONG = Way(1.0, 0.0, once=True), Way(1.0, 1.0, within=True)


@njit
def passed(model, state, line, states):
    """Write the states before the actions `line` from `state` to the rows of `states`."""
    here = state.copy()
    for k in range(len(line)):
        states[k] = here
        apply(model, here, line[k])


class Shortening:
    """The `line` from `state` to a goal, of cost `price`, and the search for shorter ones; `done` once larger ones do not pay."""

    def __init__(self, model: Any, state: np.ndarray, line: tuple[int, ...], price: float, memory: int) -> None:
        self.line, self.price, self.done = line, price, False
        self._model, self._state, self._memory, self._opened = model, state, memory // 2, FIRST
        self._gather()

    def _gather(self) -> None:
        states = np.empty((len(self.line), self._model.width), np.int64)
        suited(passed, self._model)(self._model, self._state, np.array(self.line, np.int64), states)
        self._around, self._left = Search(self._model, states, AROUND, self._memory), self._opened
        self._among: Search | None = None

    def advance(self, n: int, cost: np.ndarray, limit: np.ndarray) -> int:
        """Expand up to `n` more states; return how many, fewer when a limit was reached or it is `done`."""
        total = 0
        while total < n and not self.done:
            search = self._around if self._among is None else self._among
            asked = min(n - total, self._left) if self._among is None else n - total
            did = search.advance(asked, cost, limit)
            total, self._left = total + did, self._left - did
            if self._among is None:
                if search.status == SOLVED:  # a goal is no reason to stop gathering
                    search.nodes.shut[search.node], search.status = 1, RUNNING
                elif search.status in (EXHAUSTED, MEMORY) or self._left <= 0:
                    self._among = Search(self._model, self._state, AMONG, self._memory)
                    self._among.meet(self._around)
                elif did < asked:
                    return total
            elif search.status in (SOLVED, EXHAUSTED, MEMORY):
                self._compare(search)
            elif did < asked:
                return total
        return total

    def _compare(self, search: Search) -> None:
        line, price = search.line(), float(search.nodes.costs[search.node, 0])
        if search.status == SOLVED and price < self.price - 1e-9:
            self.line, self.price = line, price
        else:
            whole = self._around.status in (EXHAUSTED, MEMORY) or search.status == MEMORY
            self.done, self._opened = whole, 2 * self._opened
        if not self.done:
            self._gather()
