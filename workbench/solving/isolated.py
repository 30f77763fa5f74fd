"""Programs that run in a locked process instead of as the user: ``--sandbox``, exported discoveries, rules that only a run has.

What is said about a program here is read from its text; nothing of it is executed in this process. Its solver lives in a locked
child (`workbench.discovery.isolation.session`), computes the same bits there, and what it answers is checked.
"""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from games.errors import GameplanError, UsageError
from games.modules import defined_names, digest_of, is_file, located, read_text
from games.params import Value, resolve_params
from games.reading import Mismatch
from games.sequence_form import SequenceGame
from solvers.cfr.class_form import METHODS
from solvers.cfr.rule_file import FUNCTIONS
from solvers.psro.catalogue import PRESETS, SOLVERS
from solvers.psro.meta_solver import CLASSES as META_CLASSES
from solvers.psro.meta_solver import FUNCTIONS as META_FUNCTIONS
from workbench.catalogue import families
from workbench.catalogue.algorithms import Algorithm, find_meta_solver
from workbench.discovery.genome.check import literal, table_nodes
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


def isolates(texts: Mapping[str, str], kept: Mapping[str, str] | None, trust: Trust, run: Path | None) -> bool:
    """Return whether programs (role -> text) run isolated; `kept` has the digests with which the run directory `run` has them.

    Raises
    ------
    UsageError
        If they are neither rules, nor trusted, nor named again.
    """
    if trust.sandbox or trust.trusted:
        return trust.sandbox
    if any(map(is_marked, texts.values())):
        return True
    unknown = [role for role in kept or () if role in texts and trust.named.get(role) != (kept or {})[role]]
    if unknown and (unknown != ["algo"] or form_of(texts["algo"]) == "meta-solvers"):
        again = " ".join(f"--{role} FILE" for role in unknown)
        raise UsageError(
            f"the run in {run} has meta-strategy solvers of its own, which run as you only if you name them again or trust the "
            f"run: gameplan solve --resume {run} {again}, or --trusted; --sandbox runs them isolated"
        )
    return bool(unknown)


def form_of(text: str) -> str:
    """Return what a program is, by its text: "rule", "class program" or "meta-solvers".

    Raises
    ------
    GameplanError
        If it is not valid Python.
    """
    names = _defined(text)
    if names & {*META_CLASSES.values(), *META_FUNCTIONS.values()} and not names & {*FUNCTIONS}:
        return "meta-solvers"
    return "class program" if names & {*METHODS} and "PARAMS" not in names else "rule"


@dataclass(frozen=True)
class IsolatedProgram:
    """A program that runs in a locked process: what its session is told, and the digests of its files by role."""

    name: str
    form: str
    order: dict[str, Any]
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def family(self) -> families.Family:
        """The family of programs of its form, but that its solvers are made in processes of their own."""
        found = {"rule": families.RULE, "class program": families.CLASS_PROGRAM, "meta-solvers": families.PSRO}[self.form]
        return found._replace(make=_make)


def _make(program: "IsolatedProgram", params: Mapping[str, Value], game: SequenceGame, alternating: bool) -> "IsolatedSolver":
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
        """Return the policy that is reported (pairs of all players), checked.

        Raises
        ------
        GameplanError
            If it is none.
        """
        policy = self._ask("policy").get("policy")
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
        if self.program.form != "meta-solvers":
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
        for path, array in self._ask("artifacts").items() if self.program.form == "meta-solvers" else ():
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


def isolated_algorithm(
    algo: str, texts: Mapping[str, str], given: Mapping[str, Value], iterations: int, *, train: str | None, evaluate: str | None,
    game: str, max_histories: int,
) -> Algorithm:  # fmt: skip
    """Return the algorithm whose programs, role -> text, run in a locked process; arguments as `find_algorithm` has them.

    Raises
    ------
    UsageError
        For an unknown parameter or value.
    GameplanError
        If a text is no program of its kind.
    """
    order: dict[str, Any] = {"game": game, "max_histories": max_histories, "name": algo}
    digests = {role: digest_of(text) for role, text in texts.items()}
    if set(texts) & set(META_FUNCTIONS) or form_of(texts["algo"]) == "meta-solvers":
        chosen: dict[str, tuple[str, str | None]] = {}
        preset = PRESETS[algo][0] if algo in PRESETS else "shor"
        for role, name in (("train", train), ("eval", evaluate or (None if "algo" in texts else train))):
            source = texts.get(role) or (texts["algo"] if name is None and "algo" in texts else None)
            if source is None and role == "eval" and evaluate is None and "train" in texts and "algo" not in texts:
                source = texts["train"]
            chosen[role] = (name or (algo if "algo" in texts else preset), source)
        params = _meta_params(algo, chosen, given)
        roles = {
            role: [name, source, {k.partition(".")[2]: v for k, v in params.items() if k.startswith(f"{role}.")}]
            for role, (name, source) in chosen.items()
        }
        return Algorithm(algo, params, IsolatedProgram(algo, "meta-solvers", {**order, "task": "psro", **roles}, digests))
    text = texts["algo"]
    form = form_of(text)
    if form == "class program":
        if given:
            raise UsageError(f"{algo} is a class program, which declares no parameters; edit the file instead of using --set")
        params = {}
    else:
        missing = [name for name in FUNCTIONS if name not in _defined(text)]
        if missing:
            raise GameplanError(f"{algo} is not a valid rule: function {', '.join(missing)} is missing")
        params = resolve_params(
            algo, _table(algo, text, "PARAMS"), _table(algo, text, "CHOICES"), given, iterations or families.RULE.iterations
        )
    return Algorithm(algo, params, IsolatedProgram(
        algo, form, {**order, "task": "cfr", "form": form, "algo": text, "params": params}, digests
    ))  # fmt: skip


def _meta_params(algo: str, chosen: Mapping[str, tuple[str, str | None]], given: Mapping[str, Value]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key in given:
        if key.partition(".")[0] not in chosen or "." not in key:
            raise UsageError(f"{algo} has no parameter {key!r}; those of meta-strategy solvers begin with train. or eval.")
    for role, (name, source) in chosen.items():
        own = {key.partition(".")[2]: value for key, value in given.items() if key.startswith(f"{role}.")}
        if source is None:
            if name not in SOLVERS:
                raise UsageError(f"unknown meta-strategy solver {name!r}; legal are {', '.join(SOLVERS)} and a path")
            resolved = find_meta_solver(name, role, own).params
        else:
            resolved = resolve_params(f"{name} ({role})", _table(name, source, role.upper()), {}, own)
        found |= {f"{role}.{key}": value for key, value in resolved.items()}
    return found


def _table(name: str, text: str, table: str) -> dict[str, Any]:
    """Return a module-level dictionary of a program, empty if it has none."""
    node = table_nodes(ast.parse(text), (table,)).get(table)
    value = {} if node is None else literal(node)
    if not isinstance(value, dict) or not all(isinstance(key, str) and key.isidentifier() for key in value):
        raise GameplanError(f"{name}: {table} is no dictionary of names and plain values, so the program cannot run isolated")
    return value


def _defined(text: str) -> set[str]:
    """Return the names that a program's module level defines."""
    try:
        return defined_names(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise GameplanError(f"line {line}: not valid Python: {getattr(error, 'msg', error)}") from error
