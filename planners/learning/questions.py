"""What can be asked of the states of a batch: chances of actions, learned values, Monte-Carlo values of states and actions."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from games.dispatch import suited
from games.errors import GameplanError
from games.process import effective
from games.random import stream
from games.world import Instance
from planners.budget import EXPANSIONS, TRANSITIONS, Budget
from planners.catalogue import find_planner
from planners.critic.learned import with_policy
from planners.critic.monte_carlo import NO_ACTION, make_critic
from planners.learning import play
from planners.status import UNSOLVABLE


class Questions:
    """Asks for the turns of one batch.

    Parameters
    ----------
    turns : planners.learning.play.Turns
    afters : (turns, width) int64
        The states after them.
    parts : list of (model, begin, end)
        Which turns are of which model, in order; states and actions of narrower models are filled up on the right.
    policy : record, optional
        For the critic's rollouts where they follow it, as it is when asked.
    instances : sequence
        Of each of the parts, for planners.
    teacher : str, optional
        The text of the planner that is asked, where that is a file of the user's own.
    value : record, optional
        A learned value.
    options : mapping
        The trainer's: those of the critic.
    seed : uint64
        Names the streams of the critic's rollouts.

    Attributes
    ----------
    expansions : int
        Transitions of all rollouts.
    shape : (int, int)
        Turns, and most actions that one of them can have.
    """

    def __init__(
        self, turns: play.Turns, afters: np.ndarray, parts: list[tuple[Any, int, int]], value: Any, options: dict, seed: np.uint64,
        policy: Any = None, instances: Sequence[Instance] = (), teacher: str | None = None,
    ) -> None:  # fmt: skip
        self._states, self._offered, self._counts = turns
        self._afters = afters
        same = all(model is parts[0][0] for model, _, _ in parts)
        self._parts = [(parts[0][0], 0, len(afters))] if same else parts
        instances = instances[:1] if same else instances
        self._value, self._options, self._seed = value, options, seed
        self._policy, self._instances, self._teacher = policy, instances, teacher
        self._asked = 0
        self.expansions, self.shape = 0, turns.offered.shape

    def log_chances(self, policy: Any, turns: np.ndarray | None = None) -> np.ndarray:
        """Return the log-probabilities of the offered actions of `turns`, which ascend (default: all); -inf beyond their number."""
        turns = np.arange(len(self._states)) if turns is None else turns
        out = np.full((len(turns), self._offered.shape[1]), -np.inf)
        for model, part in self._among(turns):
            found = np.empty((part.stop - part.start, model.actions))
            kernel = suited(play.log_chances, model, policy)
            kernel(policy, model, tuple(self._seen(model, turns[part])), found)
            out[part, : model.actions] = found
        return out

    def learned(self, turns: np.ndarray | None = None, *, after: bool = False) -> np.ndarray:
        """Return the learned values of the states of `turns` (default: all), or of those after them.

        Raises
        ------
        GameplanError
            If the method has said that it needs none.
        """
        if self._value is None:
            raise GameplanError("the method asks for learned values without having said so: add NEEDS = ('value',)")
        return self._ask(turns, after, lambda model, states, out: suited(play.worths, model, self._value)(
            self._value, model, states, out))  # fmt: skip

    def critic(self, turns: np.ndarray | None = None, *, after: bool = False) -> np.ndarray:
        """Return V of the Monte-Carlo critic for the states of `turns` (default: all), or for those after them."""
        return self._ask(turns, after, lambda model, states, out: self._roll(model, states, np.full(len(out), NO_ACTION), out))

    def critic_actions(self) -> np.ndarray:
        """Return Q (turns, actions) of the Monte-Carlo critic for all offered actions; nan beyond their number."""
        found = np.full(self._offered.shape, np.nan)
        turns, places = np.nonzero(np.arange(self._offered.shape[1]) < self._counts[:, None])
        values = np.empty(len(turns))
        for model, begin, end in self._parts:
            part = slice(*np.searchsorted(turns, (begin, end)))
            states = _first(self._states[turns[part]], model.width)
            self._roll(model, states, self._offered[turns[part], places[part]], values[part])
        found[turns, places] = values
        return found

    def rewards(self, turns: np.ndarray, places: np.ndarray, rng: np.ndarray) -> np.ndarray:
        """Return the reward of the offered action at each of `places` of `turns`, which ascend."""
        out = np.empty(len(turns))
        for model, begin, end in self._parts:
            part = slice(*np.searchsorted(turns, (begin, end)))
            actions = self._offered[turns[part], places[part]]
            states = _first(self._states[turns[part]], model.width)
            suited(play.rewards_of, model)(model, states, actions, rng, out[part])
        self.expansions += len(turns)
        return out

    def useful(self) -> np.ndarray:
        """Return which of the offered actions (turns, actions) have an effect, or are what a world takes and never lists."""
        out = np.zeros(self._offered.shape, bool)
        for model, begin, end in self._parts:
            part = slice(begin, end)
            mine = np.zeros((end - begin, model.actions), bool)
            suited(play.mark_useful, model)(model, tuple(self._seen(model, part)), mine)
            out[part, : model.actions] = mine
            out[part, model.actions :] = np.arange(model.actions, len(out.T)) < self._counts[part].reshape(-1, 1)
        return out

    def planner(self, name: str, units: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what a planner makes of every turn: chances of the offered actions (turns, actions), and the value of the state.

        The chances are shares of visits, or 1 for the action that is chosen by a planner that counts none; the value is that of the
        chosen action, or the reward of a plan to the end, nan where the planner says neither. A turn costs `units` of the planner's
        budget, 0 for its own; none where it lies on a way to which the planner committed itself in this batch and that chance
        cannot change. Where nothing can be done any more, as the planner has proven here or before, all chances are 0.

        Raises
        ------
        GameplanError
            If it finds no action in a state in which there may be one.
        """
        chances, values = np.zeros(self._offered.shape), np.full(len(self._states), np.nan)
        planner = find_planner(name, None, self._teacher)
        for instance, (model, begin, end) in zip(self._instances, self._parts, strict=True):
            planner.begin(instance, stream("planner of learning", int(self._seed), begin))
            known: dict[bytes, tuple[int, float]] = {}
            lost = False
            for n in range(begin, end):
                state = np.ascontiguousarray(self._states[n, : model.width])
                offered = self._offered[n, : self._counts[n]].tolist()
                lost = lost and np.array_equal(self._afters[n - 1], self._states[n])
                if lost:
                    continue
                if state.tobytes() in known:
                    action, values[n] = known[state.tobytes()]
                    chances[n, offered.index(action)] = 1.0
                    continue
                decision = planner.decide(state, instance.horizon, Budget(units=units or None))
                self.expansions += int(decision.cost[TRANSITIONS] or decision.cost[EXPANSIONS])
                if decision.action is None:
                    if decision.status != UNSOLVABLE:
                        raise GameplanError(f"{name} finds no action in a state of {instance.name}: {decision.note}")
                    lost = True
                    continue
                found = {value.action: value for value in decision.values}
                visits = [float(found[action].visits) if action in found else 0.0 for action in offered]
                total = sum(visits)
                for k, action in enumerate(offered):
                    chances[n, k] = visits[k] / total if total else float(action == decision.action)
                if decision.action in found:
                    values[n] = found[decision.action].value
                elif decision.commit > 1 and not model.outcomes:
                    known = {**_way(model, state, decision.line[: decision.commit]), **known}
                    values[n] = known[state.tobytes()][1]
        return chances, values

    def push(self, policy: Any, slopes: np.ndarray, rate: float, turns: np.ndarray | None = None) -> None:
        """Let `policy` ascend along `slopes` (turns, actions) of its logits at `turns`, which ascend (default: all)."""
        turns = np.arange(len(self._states)) if turns is None else turns
        for model, part in self._among(turns):
            kernel = suited(play.push, model, policy)
            kernel(policy, model, tuple(self._seen(model, turns[part])), _first(slopes[turns[part]], model.actions), rate)

    def improve(
        self, policy: Any, old: np.ndarray, at: np.ndarray, chosen: np.ndarray, advantage: np.ndarray, weight: np.ndarray,
        clip: float, rate: float, rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """Let `policy` ascend (`planners.learning.play.improve`), turn by turn in an order that `rng` draws; `at` ascends."""
        first = np.searchsorted(at, np.arange(len(self._states) + 1))
        for model, begin, end in self._parts:
            part, rows = slice(begin, end), slice(first[begin], first[end])
            kernel = suited(play.improve, model, policy)
            mine = play.BatchRows(first[begin : end + 1] - first[begin], chosen[rows], advantage[rows], weight[rows])
            seen, before = tuple(self._seen(model, part)), _first(old[part], model.actions)
            kernel(policy, model, seen, before, tuple(mine), clip, rate, rng.permutation(end - begin))

    def approach(self, value: Any, targets: np.ndarray, rate: float) -> None:
        """Move the learned values of the states of all turns towards their `targets`."""
        for model, begin, end in self._parts:
            part = slice(begin, end)
            suited(play.approach, model, value)(value, model, self._seen(model, part).states, targets[part], rate)

    def _among(self, turns: np.ndarray) -> Iterator[tuple[Any, slice]]:
        """Yield every model that some of `turns`, which ascend, are of, and which of them."""
        for model, begin, end in self._parts:
            first, last = np.searchsorted(turns, (begin, end))
            if first < last:
                yield model, slice(int(first), int(last))

    def _seen(self, model: Any, part: slice | np.ndarray) -> play.Turns:
        """Return some turns, as wide as they are in their model."""
        counts = np.minimum(self._counts[part], model.actions)
        return play.Turns(_first(self._states[part], model.width), _first(self._offered[part], model.actions), counts)

    def _ask(self, turns: np.ndarray | None, after: bool, answer: Any) -> np.ndarray:
        turns = np.arange(len(self._states)) if turns is None else turns
        states, out = (self._afters if after else self._states)[turns], np.empty(len(turns))
        for model, begin, end in self._parts:
            part = slice(*np.searchsorted(turns, (begin, end)))
            answer(model, _first(states[part], model.width), out[part])
        return out

    def _roll(self, model: Any, states: np.ndarray, firsts: np.ndarray, out: np.ndarray) -> None:
        own = self._options
        policy = str(own["rollout_policy"])
        if policy != "pushes" and not effective.known(model):  # all that is listed has an effect: the world's own playouts are fast
            policy = "learned" if policy == "learned" else "all"
        rolled = "legal" if policy == "learned" else policy
        critic: Any = make_critic(model, own["rollouts"], own["horizon"], own["critic_discount"], rolled)
        if policy == "learned":
            critic = with_policy(critic, self._policy)
        kernel = suited(play.mean_returns, model, critic)
        self.expansions += int(kernel(critic, model, states, firsts, self._seed, self._asked, out))
        self._asked += len(out)


def _way(model: Any, state: np.ndarray, line: Sequence[int]) -> dict[bytes, tuple[int, float]]:
    """Return the action in every state on the way, and the sum of the rewards from there, nan if the way does not end in a goal."""
    states, rewards = np.empty((len(line), model.width), np.int64), np.empty(len(line))
    arrived = suited(play.unroll, model)(model, state.copy(), np.array(line, np.int64), states, rewards)
    left = np.cumsum(rewards[::-1])[::-1] if arrived else np.full(len(line), np.nan)
    return {here.tobytes(): (action, float(worth)) for here, action, worth in zip(states, line, left, strict=True)}


def _first(table: np.ndarray, columns: int) -> np.ndarray:
    """Return the first columns of a table, contiguous."""
    return np.ascontiguousarray(table[:, :columns])
