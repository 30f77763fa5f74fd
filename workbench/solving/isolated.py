"""Programs that run in a locked process instead of as the user: ``--sandbox``, exported discoveries, rules that only a run has.

What is said about a program here is read from its text; nothing of it is executed in this process. Its solver lives in a locked
child (`workbench.discovery.isolation.session`), computes the same bits there, and what it answers is checked.
"""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from games.errors import GameplanError, UsageError
from games.modules import digest_of, is_file, located, read_text
from games.params import Value, resolve_params
from games.reading import Mismatch
from games.sentences import check_ranges
from games.sequence_form import SequenceGame
from solvers.cfr.rule_file import FUNCTIONS
from solvers.locked import Lock
from solvers.psro.meta_solver import FUNCTIONS as META_FUNCTIONS
from workbench.catalogue.algorithms import Algorithm, check_roles
from workbench.catalogue.families import CLASS_PROGRAM, PSRO, RULE, Family, Request, family_of, find_meta_solver, refuse_params
from workbench.catalogue.sources import Source
from workbench.discovery.genome.check import literal, table_nodes
from workbench.discovery.isolation.locking import text_of
from workbench.discovery.isolation.session import Session
from workbench.runs.formats import REMARKS
from workbench.runs.programs import is_marked

TOLERANCE = 1e-9  # of sums of probabilities


@dataclass(frozen=True)
class Trust:
    """What the command line says of programs of the user's own: run them isolated (`sandbox`), or as the user (`trusted`).

    If it says neither, files that it names run as the user, unless a discovery has written them; what only a run directory has runs
    isolated, if it is a rule. `named` has the digests of the files that are named, by role.
    """

    sandbox: bool = False
    trusted: bool = False
    named: Mapping[str, str] = field(default_factory=dict)


NO_WORD = Trust()  # the command line says nothing


def trust_of(sandbox: bool, trusted: bool, given: Mapping[str, Any]) -> Trust:
    """Return what a command line says: its two switches, and the files among `given` options.

    Raises
    ------
    UsageError
        If it says both.
    """
    if sandbox and trusted:
        raise UsageError("--sandbox and --trusted contradict each other; say one of them")
    roles = ("algo", "train", "eval")
    names = {role: located(given[role]) for role in roles if isinstance(given.get(role), str)}
    files = {role: name for role, name in names.items() if is_file(name)}
    return Trust(sandbox, trusted, {role: digest_of(read_text(Path(name))) for role, name in files.items()})


def isolates(sources: Mapping[str, Source], kept: Mapping[str, str] | None, trust: Trust, run: Path | None) -> bool:
    """Return whether programs (by role) run isolated; `kept` has the digests with which the run directory `run` has them.

    Raises
    ------
    UsageError
        If they are neither rules, nor trusted, nor named again.
    """
    if trust.sandbox or trust.trusted:
        return trust.sandbox
    if any(is_marked(source.text) for source in sources.values()):
        return True
    unknown = [role for role in kept or () if role in sources and trust.named.get(role) != (kept or {})[role]]
    if unknown and (unknown != ["algo"] or family_of("", sources["algo"]) is PSRO):
        again = " ".join(f"--{role} FILE" for role in unknown)
        raise UsageError(
            f"the run in {run} has meta-strategy solvers of its own, which run as you only if you name them again or trust the "
            f"run: gameplan solve --resume {run} {again}, or --trusted; --sandbox runs them isolated"
        )
    return bool(unknown)


@dataclass(frozen=True)
class IsolatedProgram:
    """A program that runs in a locked process, and what its session is told."""

    name: str
    order: dict[str, Any]
    iterate: str = ""


def with_lock(algorithm: Algorithm, lock: Lock) -> Algorithm:
    """Return `algorithm` for solvers of a game with this lock: its process loads the game by name, and locks it itself."""
    if not algorithm.isolated:
        return algorithm
    return algorithm._replace(program=replace(algorithm.program, order={**algorithm.program.order, "lock": text_of(lock)}))


def _make(program: IsolatedProgram, game: SequenceGame, alternating: bool) -> "IsolatedSolver":
    return IsolatedSolver(game, program, alternating=alternating)


class IsolatedSolver:
    """A `workbench.catalogue.algorithms.Solver` whose work is done in a locked process."""

    def __init__(self, game: SequenceGame, program: IsolatedProgram, *, alternating: bool) -> None:
        self.game, self.program, self.iteration = game, program, 0
        try:
            self._session = Session({**program.order, "updates": "alternating" if alternating else "simultaneous"})
        except UsageError:
            raise
        except GameplanError as error:
            raise GameplanError(f"{program.name}, isolated: {error}") from error
        self.replays = bool(self._session.opened["replays"].any())

    def advance(self, stop: int) -> None:
        """Run up to and including iteration `stop`.

        Raises
        ------
        GameplanError
            If the program fails.
        """
        self._ask("advance", stop=stop)
        self.iteration = stop

    def average_policy(self) -> np.ndarray:
        """Return the average policy or the mixture (pairs of all players), checked.

        Raises
        ------
        GameplanError
            If it is none.
        """
        return self._checked(self._ask("policy"))

    def current_policy(self) -> np.ndarray:
        """Return the policy that the next iteration plays (pairs of all players); raises as `average_policy`."""
        return self._checked(self._ask("current policy"))

    def _checked(self, answer: Mapping[str, np.ndarray]) -> np.ndarray:
        policy = answer.get("policy")
        if policy is None or policy.dtype != np.float64 or policy.shape != (sum(self.game.actions),):
            raise GameplanError(f"{self.program.name} returned no policy of {sum(self.game.actions)} numbers")
        for player in range(self.game.players):
            own, first = policy[self.game.player_actions(player)], self.game.tree.first[self.game.player_infosets(player)]
            first = first.astype(np.int64)
            good = (np.abs(np.add.reduceat(own, first) - 1.0) <= TOLERANCE) & (np.minimum.reduceat(own, first) >= 0.0)
            if not good.all():
                where = f"player {player}, infoset {int(np.argmin(good))}"
                raise GameplanError(f"{self.program.name} returned no probability distribution for {where}")
        return policy

    def remarks(self) -> dict[str, Any]:
        """Return what an evaluation's line says beyond the policy's worth, checked."""
        if self.program.order["task"] != "psro":
            return {}
        try:
            codes = self._ask("remarks")["json"]
            found = json.loads(codes.astype(np.uint8).tobytes())
            REMARKS(found, "")
        except (KeyError, ValueError, Mismatch, RecursionError) as error:
            raise GameplanError(f"{self.program.name} returned no meta-strategies") from error
        made: dict[str, Any] = found
        return made

    def artifacts(self) -> dict[str, dict[str, np.ndarray]]:
        """Return what a finished run keeps beyond the policy."""
        made: dict[str, dict[str, np.ndarray]] = {}
        for path, array in self._ask("artifacts").items() if self.program.order["task"] == "psro" else ():
            name, _, key = path.partition("/")
            if name != "population" or not key.replace("_", "").isalnum() or not np.isfinite(array).all():
                raise GameplanError(f"{self.program.name} returned no population")
            made.setdefault(name, {})[key] = array
        return made

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays of a checkpoint: only the locked process reads them."""
        return self._ask("state")

    def restore(self, iteration: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on after `iteration` from the arrays of a checkpoint."""
        self._ask("restore", iteration=iteration, arrays={name: array.tolist() for name, array in arrays.items()})
        self.iteration = iteration

    def _ask(self, call: str, **more: Any) -> dict[str, np.ndarray]:
        try:
            return self._session.ask({"do": "session", "call": call, **more})
        except GameplanError as error:
            self._session.close()
            raise GameplanError(f"{self.program.name}, isolated: {error}") from error


def isolated_algorithm(request: Request, *, game: str, max_histories: int, jitter: tuple[float, int] = (0.0, 0)) -> Algorithm:
    """Return the algorithm whose programs, the request's sources, run in a locked process on `game`.

    `jitter` is that of `games.jitter`: size and number.

    Raises
    ------
    UsageError
        For an unknown parameter or value.
    GameplanError
        If a text is no program of its kind.
    """
    for source in request.sources.values():
        _parsed(source.text)
    family = family_of(request.algo, request.sources.get("algo"))
    check_roles(request, family)
    params, told, chosen = _ORDERS[family](request)
    program = IsolatedProgram(
        request.algo,
        {"game": game, "max_histories": max_histories, "jitter": jitter, "name": request.algo, **told},
        _iterate(family, request),
    )
    return Algorithm(request.algo, family, program, params, chosen, _make)


def _iterate(family: Family, request: Request) -> str:
    """Return which policy the program says is to be reported, read from its text; "" where it says nothing."""
    if family is not RULE:
        return ""
    node = table_nodes(ast.parse(request.sources["algo"].text), ("ITERATE",)).get("ITERATE")
    value = "" if node is None else literal(node)
    if value and value not in family.iterates:
        raise GameplanError(f"{request.algo}: ITERATE is {value!r}; legal are {', '.join(map(repr, family.iterates))}")
    return str(value)


_Order = tuple[dict[str, Value], dict[str, Any], dict[str, str]]  # parameters, what a session is told, names of solvers by role


def _rule_order(request: Request) -> _Order:
    name, source = request.algo, request.sources["algo"]
    missing = [function for function in FUNCTIONS if function not in source.names]
    if missing:
        raise GameplanError(f"{name} is not a valid rule: function {', '.join(missing)} is missing")
    defaults, choices = (_table(name, source.text, table) for table in ("PARAMS", "CHOICES"))
    params = resolve_params(name, defaults, choices, request.given, request.iterations or RULE.iterations)
    check_ranges(name, params, _doc(source.text), alone=True)
    return params, {"task": "cfr", "form": RULE.name, "algo": source.text, "params": params}, {}


def _class_order(request: Request) -> _Order:
    refuse_params(request)
    return {}, {"task": "cfr", "form": CLASS_PROGRAM.name, "algo": request.sources["algo"].text, "params": {}}, {}


def _psro_order(request: Request) -> _Order:
    params, given = PSRO.options(request)
    for key in given:
        if key.partition(".")[0] not in META_FUNCTIONS or "." not in key:
            raise UsageError(f"{request.algo} has no parameter {key!r}; those of meta-strategy solvers begin with train. or eval.")
    told: dict[str, Any] = {"task": "psro", "options": dict(params)}
    texts = {str(source.path): source.text for source in request.sources.values()}
    chosen = PSRO.chosen(request)
    for role, name in chosen.items():
        given = {key.partition(".")[2]: value for key, value in request.given.items() if key.startswith(f"{role}.")}
        text = texts.get(name)
        if text is None:
            found = find_meta_solver(name, role, given).params
        else:
            found = resolve_params(f"{name} ({role})", _table(name, text, role.upper()), {}, given)
            check_ranges(f"{name} ({role})", found, _doc(text), alone=True)
        params |= {f"{role}.{key}": value for key, value in found.items()}
        told[role] = [name, text, found]
    return params, told, {} if "algo" in request.sources else chosen


_ORDERS = {RULE: _rule_order, CLASS_PROGRAM: _class_order, PSRO: _psro_order}


def _doc(text: str) -> str | None:
    """Return the documentation of a program, which nobody executes."""
    return ast.get_docstring(ast.parse(text))


def _table(name: str, text: str, table: str) -> dict[str, Any]:
    """Return a module-level dictionary of a program, empty if it has none."""
    node = table_nodes(ast.parse(text), (table,)).get(table)
    value = {} if node is None else literal(node)
    if not isinstance(value, dict) or not all(isinstance(key, str) and key.isidentifier() for key in value):
        raise GameplanError(f"{name}: {table} is no dictionary of names and plain values, so the program cannot run isolated")
    return value


def _parsed(text: str) -> None:
    """Refuse what is no valid Python."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise GameplanError(f"line {line}: not valid Python: {getattr(error, 'msg', error)}") from error
