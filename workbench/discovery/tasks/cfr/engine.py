"""CFR for candidates: the loop is compiled once, a candidate's update comes to it as a function pointer.

`solvers.cfr.binding` compiles the whole loop around every rule, which takes seconds. Here the rule's three functions are compiled
alone, into one `update` of a fixed signature; the results are the same bits.
"""

import ast
from collections.abc import Mapping
from types import FunctionType
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types

from games.errors import GameplanError
from games.jit import embedded, njit
from games.params import Value
from games.sequence_form import SequenceGame, Tree
from solvers import kernels
from solvers.cfr.evaluation import NO_ROWS, reach_rows
from solvers.cfr.records import Tables
from solvers.cfr.rule_file import ITERATES, OTHERS, STATE_KINDS
from solvers.exploitability import buffer_size, normalised_average, uniform_policy
from workbench.discovery.genome.check import literal, table_nodes
from workbench.discovery.isolation.source import load_source
from workbench.discovery.task import BadAnswer
from workbench.discovery.tasks.cfr.wrapper import with_update

_F1, _F2, _U1 = types.float64[::1], types.float64[:, ::1], types.uint32[::1]
UPDATE = types.void(
    _F1, _F1, _F1, _F1, _F1, types.int64,  # S, sigma, reach, r, R, t
    _U1, _U1, types.int64,  # first, count, player
    _F1, _F2, _F2, _F2, _F2,  # parameters; memory per action, per infoset, for the game, and the others' reach
    types.int64, types.int64, types.int64, types.int64,  # where the player's pairs and infosets begin and end
    types.boolean,  # whether to write terms, where r is otherwise, in place of updating
)  # fmt: skip
SCORED = AVERAGE, LAST = ITERATES[:2]  # which a search can score; the best iterate takes an evaluation at every iteration
_FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cpython_wrapper": True}  # no Python calls them
gradient, regrets, refresh_plan = embedded(kernels.gradient), embedded(kernels.regrets), embedded(kernels.refresh_plan)
add_terms, reach_of_others = embedded(kernels.add_terms), embedded(kernels.reach_of_others)


class Memory(NamedTuple):
    """A rule's memory, one row for every declared array: (n, pairs), (n, infosets), (n, 1) and (n, infosets)."""

    action: np.ndarray
    infoset: np.ndarray
    game: np.ndarray
    others: np.ndarray


class Span(NamedTuple):
    """What is to be run: iterations `start` to `stop`, players in turn or at once, with terms in the values or without."""

    start: int
    stop: int
    alternating: bool
    regularised: bool


class Program(NamedTuple):
    """A rule: its `update`, compiled or not, its numeric parameters with defaults, its memory arrays by kind and by name."""

    update: Any
    compiled: bool
    params: dict[str, Value]
    memory: tuple[int, ...] = (0,) * len(STATE_KINDS)
    state: dict[str, str] = {}
    regularised: bool = False
    iterate: str = ITERATES[0]


class BadPolicy(BadAnswer):
    """What should be a policy is none."""


@njit
def _iterate(
    update: Any, tree: Any, rows: Any, blocks: Any, tables: Any, params: Any, memory: Any, span: Any
) -> tuple[int, int, int]:
    """Run iterations start..stop in place; return (iteration, player, infoset), -1, -1 unless a policy is bad."""
    players = len(tree.action_start) - 1
    for t in range(span.start, span.stop + 1):
        for player in range(players):
            low, high = (player, player + 1) if span.alternating else (0, players if player == 0 else 0)
            for other in range(low, high):  # regrets of this player, or of everybody from the same policies
                a, b = tree.action_start[other], tree.action_start[other + 1]
                i, j = tree.infoset_start[other], tree.infoset_start[other + 1]
                parent, first, count = tree.parent[i:j], tree.first[i:j], tree.count[i:j]
                sigma, r, q = tables.sigma[a:b], tables.r[a:b], tables.q[: b - a + 1]
                gradient(other, tables.plan, blocks, tree, tables.buffer, q)
                regrets(q, sigma, parent, first, count, blocks.unit[0], r)
                for k in range(len(memory.others)):
                    begin, end = rows.start[other], rows.start[other + 1]
                    reach_of_others(
                        other, tables.plan, rows.sequences[begin:end], rows.chance[begin:end], tree, q, parent, rows.via[i:j],
                        memory.others[k, i:j],
                    )  # fmt: skip
                if span.regularised:
                    q[:] = 0.0
                    update(
                        tables.S[a:b], sigma, tables.reach[i:j], q[1:], tables.R[a:b], t, first, count, other, params,
                        memory.action, memory.infoset, memory.game, memory.others, a, b, i, j, True,
                    )  # fmt: skip
                    add_terms(q, sigma, parent, first, count, r)
            a, b = tree.action_start[player], tree.action_start[player + 1]
            i, j = tree.infoset_start[player], tree.infoset_start[player + 1]
            parent, first, count = tree.parent[i:j], tree.first[i:j], tree.count[i:j]
            S, sigma, R, r, reach = tables.S[a:b], tables.sigma[a:b], tables.R[a:b], tables.r[a:b], tables.reach[i:j]
            update(
                S, sigma, reach, r, R, t, first, count, player, params,
                memory.action, memory.infoset, memory.game, memory.others, a, b, i, j, False,
            )  # fmt: skip
            bad = refresh_plan(sigma, parent, first, count, tables.plan[a + player : b + player + 1], reach)
            if bad >= 0:
                return t, player, bad
    return span.stop, -1, -1


# The same in Python, for rules in plain NumPy; its kernels are called from Python and come compiled from the disk.
_interpreted = FunctionType(
    _iterate.py_func.__code__,  # type: ignore[attr-defined]
    {
        "range": range,
        "len": len,
        "gradient": kernels.gradient,
        "regrets": kernels.regrets,
        "refresh_plan": kernels.refresh_plan,
        "reach_of_others": kernels.reach_of_others,
        "add_terms": kernels.add_terms,
    },
)


_known: dict[str, SequenceGame] = {}  # one game of every type that the loop is compiled for


def compile_loop(game: SequenceGame) -> None:
    """Compile (or load) what runs rules on games of this one's types."""
    tables, memory = _tables(game), _memory(game, Program._field_defaults["memory"])
    arguments = (game.tree, NO_ROWS, game.blocks, tables, np.zeros(0), memory, Span(1, 0, True, False))
    kernel: Any = _iterate
    kernel.disable_compile(False)
    kernel.compile((types.FunctionType(UPDATE), *map(numba.typeof, arguments)))
    kernel.disable_compile()  # or numba would make another loop for every update, by its name
    run(Program(lambda *_: None, False, {}), {}, game, 1)
    _known.setdefault(str(numba.typeof(game.blocks)), game)


def make_program(source: str, chosen: Mapping[str, Value] | None = None) -> Program:
    """Return the rule in `source`; numbers of ``PARAMS`` stay data, everything else is compiled in if its functions are ``@njit``.

    `chosen` has other values for parameters that are texts.

    Raises
    ------
    numba.core.errors.NumbaError
        If it does not compile.
    """
    updating = with_update(source, chosen or {})
    functions, numeric, state = updating.functions, updating.params, updating.state
    module = load_source(source, updating.tree)
    compiled = all(hasattr(getattr(module, name), "py_func") for name in functions)
    if compiled:
        for name, value in list(vars(module).items()):
            if getattr(value, "__module__", "") == module.__name__ and hasattr(value, "py_func"):
                setattr(module, name, numba.njit(**{**_FLAGS, "no_cfunc_wrapper": True})(value.py_func))
    update = numba.njit([UPDATE], **_FLAGS)(module.update) if compiled else module.update
    kinds = list(state.values())
    made = Program(
        update, compiled, numeric, tuple(kinds.count(kind) for kind in STATE_KINDS), state, "regularise" in functions,
        iterate_of(source),
    )  # fmt: skip
    for game in _known.values():  # no iteration: what numba does on a first call is done before processes are forked
        run(made, numeric, game, 0)
    return made


def run(program: Program, values: Mapping[str, Value], game: SequenceGame, iterations: int) -> np.ndarray:
    """Return the policy that the rule is reported by, after some alternating iterations (pairs of all players).

    Raises
    ------
    BadPolicy
        If the rule gives no probability distribution.
    """
    solver = RuleSolver(game, program, values)
    solver.advance(iterations)
    return solver.current_policy() if program.iterate == LAST else solver.average_policy()


def iterate_of(source: str) -> str:
    """Return which policy the rule in `source` says is reported."""
    node = table_nodes(ast.parse(source), ("ITERATE",)).get("ITERATE")
    return ITERATES[0] if node is None else str(literal(node))


class RuleSolver:
    """CFR with a `Program`: a solver whose bits and checkpoints are those of `solvers.cfr.solver.CFRSolver`."""

    replays = False

    def __init__(self, game: SequenceGame, program: Program, values: Mapping[str, Value], *, alternating: bool = True) -> None:
        self.game, self.program, self.iteration = game, program, 0
        self._alternating = alternating
        self._tables, self._memory = _tables(game), _memory(game, program.memory)
        self._rows = reach_rows(game) if OTHERS in program.state.values() else NO_ROWS
        self._params = np.array([float(values[name]) for name in program.params], float)
        self._refresh()

    def advance(self, stop: int) -> None:
        """Run up to and including iteration `stop`, in place.

        Raises
        ------
        BadPolicy
            If the rule gives no probability distribution.
        """
        iterate, tree = (_iterate, self.game.tree) if self.program.compiled else (_interpreted, _signed(self.game.tree))
        with np.errstate(all="ignore"):
            t, player, infoset = iterate(
                self.program.update, tree, self._rows, self.game.blocks, self._tables, self._params, self._memory,
                Span(self.iteration + 1, stop, self._alternating, self.program.regularised),
            )  # fmt: skip
        if infoset >= 0:
            where = place(self.game, player, infoset, self._tables.sigma)
            raise BadPolicy(f"no probability distribution in iteration {t} for {where}")
        self.iteration = stop

    def average_policy(self) -> np.ndarray:
        """Return a new array with the average policy (pairs of all players).

        Raises
        ------
        BadPolicy
            If the rule's sums are no average.
        """
        policy = np.empty_like(self._tables.S)
        player, infoset = normalised_average(self._tables.S, self.game.tree, policy)
        if player >= 0:
            where = place(self.game, player, infoset, self._tables.S)
            raise BadPolicy(f"no average policy after iteration {self.iteration} for {where}")
        return policy

    def current_policy(self) -> np.ndarray:
        """Return a copy of the policy that the next iteration plays (pairs of all players)."""
        return self._tables.sigma.copy()

    def remarks(self) -> dict[str, Any]:
        """Return nothing to add to the metrics."""
        return {}

    def artifacts(self) -> dict[str, dict[str, np.ndarray]]:
        """Return nothing to keep beyond the policy."""
        return {}

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays from which `restore` goes on with the same bits, as `CFRSolver.state` names them."""
        rows = dict.fromkeys(STATE_KINDS, 0)
        arrays = {"R": self._tables.R, "S": self._tables.S, "sigma": self._tables.sigma}
        for name, kind in self.program.state.items():
            arrays[f"state.{name}"] = getattr(self._memory, kind)[rows[kind]]
            rows[kind] += 1
        return arrays

    def restore(self, iteration: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue after `iteration` from the arrays of `state`.

        Raises
        ------
        GameplanError
            If the arrays are not those of this game and rule.
        """
        mine = self.state()
        if set(mine) != set(arrays) or any(mine[k].shape != arrays[k].shape or arrays[k].dtype != np.float64 for k in mine):
            raise GameplanError(f"the checkpoint does not belong to this rule on {self.game.name}; start a new run")
        for name, array in mine.items():
            array[:] = arrays[name]
        self._refresh()
        self.iteration = iteration

    def _refresh(self) -> None:
        for player in range(self.game.players):
            _refresh(self.game, self._tables, player)


def _signed(tree: Tree) -> Tree:
    """Return `tree` with numbers that NumPy rules may subtract."""
    return tree._replace(first=tree.first.astype(np.int64), count=tree.count.astype(np.int64), parent=tree.parent.astype(np.int64))


def place(game: SequenceGame, player: int, infoset: int, table: np.ndarray) -> str:
    """Return the words that name an infoset and what a table of all players' pairs holds there."""
    at = game.player_infosets(player).start + infoset
    begin = game.player_actions(player).start + int(game.tree.first[at])
    values = ", ".join(f"{value:.6g}" for value in table[begin : begin + int(game.tree.count[at])])
    text = game.infoset_names[player][infoset].replace("\n", " ")
    return f"player {player} at infoset {text!r}: [{values}]"


def _tables(game: SequenceGame) -> Tables:
    pairs = sum(game.actions)
    return Tables(
        plan=np.zeros(pairs + game.players), reach=np.zeros(sum(game.infosets)), sigma=uniform_policy(game),
        R=np.zeros(pairs), S=np.zeros(pairs), r=np.zeros(pairs), q=np.zeros(max(game.actions) + 1),
        buffer=np.zeros((3, buffer_size(game))),
    )  # fmt: skip


def _memory(game: SequenceGame, rows: tuple[int, ...]) -> Memory:
    sizes = sum(game.actions), sum(game.infosets), 1, sum(game.infosets)
    return Memory(*(np.zeros((n, size)) for n, size in zip(rows, sizes, strict=True)))


def _refresh(game: SequenceGame, tables: Tables, player: int) -> None:
    pairs, infosets, tree = game.player_actions(player), game.player_infosets(player), game.tree
    plan = tables.plan[pairs.start + player : pairs.stop + player + 1]
    kernels.refresh_plan(
        tables.sigma[pairs], tree.parent[infosets], tree.first[infosets], tree.count[infosets], plan, tables.reach[infosets]
    )
