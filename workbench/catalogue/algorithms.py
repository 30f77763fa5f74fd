"""The catalogue of solvers: what can be run, with parameters, defaults and references."""

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from games.errors import UnknownName, UsageError, did_you_mean
from games.modules import is_file, located, read_text
from games.params import Value, resolve_params
from games.sequence_form import SequenceGame
from planners.catalogue import PLANNERS, planner_maker, planner_params
from planners.catalogue import Entry as PlannerEntry
from solvers.cfr.class_form import ClassProgram, is_class_form, make_class_program
from solvers.cfr.rule_file import Rule, load_module, make_rule, shipped_rule
from solvers.psro.catalogue import PRESETS, SOLVERS
from solvers.psro.meta_solver import MetaSolver, is_meta_solver, load_meta_solver, make_meta_solver, shipped_module
from workbench.catalogue import families
from workbench.catalogue.families import Family
from workbench.catalogue.naming import META_SOLVER, kinds_of_text


class Solver(Protocol):
    """What a run needs of a solver; families differ in everything else.

    `replays` says that `restore` recomputes from the start, because the memory of the algorithm is not known.
    """

    iteration: int
    replays: bool

    def advance(self, stop: int) -> None:
        """Run up to and including iteration `stop`; ``advance(iteration)`` only makes ready (compiles)."""

    def average_policy(self) -> np.ndarray:
        """Return the policy that is reported (pairs of all players)."""

    def remarks(self) -> dict[str, Any]:
        """Return what an evaluation's line in the metrics says beyond the policy's worth."""

    def artifacts(self) -> dict[str, dict[str, np.ndarray]]:
        """Return what a finished run keeps beyond the policy: name -> arrays of an npz file."""

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays of a checkpoint."""

    def restore(self, iteration: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on after `iteration` from the arrays of a checkpoint."""


class Entry(NamedTuple):
    """A catalogued algorithm: where it is, what it is, and who published it."""

    module: str
    title: str
    reference: str


PUBLISHED: dict[str, Entry] = {  # CFR variants
    "cfr": Entry("solvers.cfr.rules.cfr", "Counterfactual regret minimisation", "Zinkevich et al. 2007"),
    "cfr+": Entry("solvers.cfr.rules.cfr_plus", "CFR+", "Tammelin 2014, arXiv 1407.5042"),
    "lcfr": Entry("solvers.cfr.rules.lcfr", "Linear CFR", "Brown & Sandholm 2019, arXiv 1809.04040"),
    "dcfr": Entry("solvers.cfr.rules.dcfr", "Discounted CFR", "Brown & Sandholm 2019, arXiv 1809.04040"),
    "dcfr+": Entry("solvers.cfr.rules.dcfr_plus", "Discounted CFR+", "Xu et al. 2024"),
    "pcfr+": Entry("solvers.cfr.rules.pcfr_plus", "Predictive CFR+", "Farina, Kroer, Sandholm 2021, arXiv 2007.14358"),
    "dpcfr+": Entry("solvers.cfr.rules.dpcfr_plus", "Discounted predictive CFR+", "Xu et al. 2024"),
    "hs-pcfr+": Entry("solvers.cfr.rules.hs_pcfr_plus", "PCFR+ with schedules", "Zhang, McAleer, Sandholm 2024, arXiv 2404.09097"),
    "hs-dcfr": Entry("solvers.cfr.rules.hs_dcfr", "DCFR with schedules", "Zhang, McAleer, Sandholm 2024, arXiv 2404.09097"),
    "vad-cfr": Entry("solvers.cfr.rules.vad_cfr", "Volatility-adaptive discounted CFR", "Li et al. 2026, arXiv 2602.16928"),
    "aod-cfr": Entry("solvers.cfr.rules.aod_cfr", "Asymmetric optimistic discounted CFR", "Li et al. 2026, arXiv 2602.16928"),
}
DISCOVERED: dict[str, Entry] = {  # by this project; discoveries are compared with the published ones
    "aod-distilled": Entry("solvers.cfr.rules.aod_distilled", "AOD-CFR distilled by ablation", "gameplan evolve ablate aod-cfr"),
    "trend-dcfr": Entry("solvers.cfr.rules.trend_dcfr", "DCFR that follows trends, evolved from CFR+", "gameplan evolve new cfr"),
    "last-dcfr": Entry(
        "solvers.cfr.rules.last_dcfr", "DCFR by its last iterate, evolved from published ones", "gameplan evolve new cfr"
    ),
}
CFR: dict[str, Entry] = {**PUBLISHED, **DISCOVERED}
EXACT: dict[str, Entry] = {
    "lp": Entry("solvers.lp", "Sequence-form linear program (exact)", "Koller, Megiddo, von Stengel 1994"),
}
PSRO: dict[str, Entry] = {
    "psro": Entry(
        "solvers.psro.solver", "PSRO with solvers of your choice: --train, --eval", "Lanctot et al. 2017, arXiv 1711.00832"
    ),
    **{name: Entry("solvers.psro.solver", title, reference) for name, (_, title, reference) in PRESETS.items()},
}
ALGORITHMS: dict[str, Entry] = {**CFR, **PSRO, **EXACT}


@cache
def find_rule(name: str) -> Rule:
    """Return the shipped CFR rule called `name` (a key of `CFR`)."""
    return shipped_rule(name, CFR[name].module)


def load_program(path: Path) -> Rule | ClassProgram:
    """Return the rule file or class program at `path`, checked.

    Raises
    ------
    GameplanError
        If the file is neither, saying what is wrong with it.
    """
    check_kind(str(path), "algorithm")
    module, source = load_module(path)
    if is_class_form(module) and not hasattr(module, "PARAMS"):
        return make_class_program(path.name, module, source)
    return make_rule(path.name, module, source)


def is_psro(algo: str) -> bool:
    """Return whether `algo` names a PSRO preset or a file with meta-strategy solvers."""
    if algo in PSRO or not is_file(algo):
        return algo in PSRO
    check_kind(algo, "algorithm")
    return is_meta_solver(load_module(Path(algo))[0])


def check_kind(name: str, wanted: str) -> None:
    """Refuse what is a directory, or a file of another kind, without running it; files of no kind are left to their readers."""
    path = Path(name)
    if path.is_dir():
        raise UnknownName(name, wanted, f"{name} is a directory, not a file with an {wanted}")
    kinds = kinds_of_text(read_text(path, f"{wanted} file"))
    if kinds and not set(kinds) & {wanted, META_SOLVER}:  # a file with meta-strategy solvers is a PSRO algorithm
        raise UnknownName(name, wanted, f"{name} is a {kinds[0]}, not an {wanted}")


class MetaSolvers(NamedTuple):
    """The two meta-strategy solvers of a PSRO algorithm."""

    train: MetaSolver
    eval: MetaSolver


class Algorithm(NamedTuple):
    """An algorithm ready to be run: its name, resolved parameters, and the program behind it (None for ``lp``)."""

    name: str
    params: dict[str, Value]
    program: Any  # Rule, ClassProgram, MetaSolvers, IsolatedProgram or None

    @property
    def family(self) -> Family:
        """The kind of algorithm."""
        found: Family = getattr(self.program, "family", None) or _FAMILY_OF[type(self.program)]
        return found

    @property
    def one_shot(self) -> bool:
        """Whether one iteration is the whole run."""
        return self.family is families.EXACT

    def make(self, game: SequenceGame, *, alternating: bool) -> Solver:
        """Return a fresh solver for `game`."""
        solver: Solver = self.family.make(self.program, self.params, game, alternating)
        return solver


_FAMILY_OF: dict[type, Family] = {
    Rule: families.RULE,
    ClassProgram: families.CLASS_PROGRAM,
    MetaSolvers: families.PSRO,
    type(None): families.EXACT,
}


def find_algorithm(
    algo: str, given: Mapping[str, Value], iterations: int = 0, *, train: str | None = None, evaluate: str | None = None
) -> Algorithm:
    """Return the algorithm called `algo`, a catalogue name, a file or ``module:attribute``, with `given` parameters.

    Rules that are told the planned number of iterations get `iterations`, or their family's own if that is 0.

    `train` and `evaluate` choose the meta-strategy solvers of a PSRO algorithm, names or files, in place of the preset's or of
    those in the file `algo`; without `evaluate` a preset's train solver is also the eval solver.

    Raises
    ------
    UsageError
        For an unknown name, parameter or value.
    GameplanError
        For a file that is no valid rule or program.
    """
    algo = located(algo)
    if is_psro(algo):
        return _find_psro(algo, given, train, evaluate)
    if train or evaluate:
        raise UsageError(
            f"{algo} has no meta-strategy solvers, so --train and --eval do not apply; use --algo psro or a PSRO preset"
        )
    if is_file(algo):
        program = load_program(Path(algo))
    elif algo in CFR:
        program = find_rule(algo)
    elif algo in ALGORITHMS:
        if given:
            raise UsageError(f"{algo} has no parameters; leave out --set")
        return Algorithm(algo, {}, None)
    else:
        raise UnknownName(
            algo,
            "algorithm",
            f"unknown algorithm {algo!r}{did_you_mean(algo, list(ALGORITHMS))}; 'gameplan algos' lists them, and a path such as "
            "./my_rule.py runs a rule of your own",
        )
    if isinstance(program, ClassProgram):
        if given:
            raise UsageError(f"{algo} is a class program, which declares no parameters; edit the file instead of using --set")
        return Algorithm(algo, {}, program)
    return Algorithm(
        algo, resolve_params(algo, program.params, program.choices, given, iterations or families.RULE.iterations), program
    )


def _find_psro(algo: str, given: Mapping[str, Value], train: str | None, evaluate: str | None) -> Algorithm:
    preset = PRESETS[algo][0] if algo in PRESETS else algo if is_file(algo) else "shor"
    chosen = {"train": train or preset, "eval": evaluate or (None if is_file(algo) else train) or preset}
    split: dict[str, dict[str, Value]] = {"train": {}, "eval": {}}
    for key, value in given.items():
        role, dot, name = key.partition(".")
        if not dot or role not in split:
            legal = [f"{r}.{n}" for r in split for n in find_meta_solver(chosen[r], r, {}).params]
            raise UsageError(
                f"{algo} has no parameter {key!r}{did_you_mean(key, legal)}; legal: {', '.join(legal) or 'none for these solvers'}"
            )
        split[role][name] = value
    solvers = {role: find_meta_solver(chosen[role], role, split[role]) for role in split}
    params = {f"{role}.{name}": value for role, solver in solvers.items() for name, value in solver.params.items()}
    return Algorithm(algo, params, MetaSolvers(solvers["train"], solvers["eval"]))


def find_meta_solver(name: str, role: str, given: Mapping[str, Value]) -> MetaSolver:
    """Return the meta-strategy solver called `name` (a catalogue name, a file, ``module:attribute``) for a `role`: train or eval.

    Raises
    ------
    UsageError
        For an unknown name or parameter.
    GameplanError
        For a file that has no solver for the role.
    """
    name = located(name)
    if is_file(name):
        check_kind(name, META_SOLVER)
        return load_meta_solver(Path(name), role, given)
    if name not in SOLVERS:
        raise UnknownName(
            name,
            "meta-strategy solver",
            f"unknown meta-strategy solver {name!r}{did_you_mean(name, list(SOLVERS))}; legal are {', '.join(SOLVERS)} and a path "
            "such as ./my_solver.py",
        )
    return make_meta_solver(name, role, shipped_module(SOLVERS[name][0]), given, None)


def describe(name: str) -> dict[str, Any]:
    """Return name, title, reference, parameters with defaults, memory and doc of an algorithm or a rule file.

    Raises
    ------
    UsageError
        For an unknown name.
    """
    algorithm = _exported(name) or find_algorithm(name, {})
    program = algorithm.program
    entry = ALGORITHMS.get(name, Entry("", getattr(program, "summary", ""), f"file {name}"))
    record: dict[str, Any] = {"name": name, "title": entry.title, "reference": entry.reference}
    record |= {"form": algorithm.family.name, "params": algorithm.params, "iterations": algorithm.family.iterations}
    record |= {"parameters": algorithm.family.parameters}
    if isinstance(program, MetaSolvers):
        record["doc"] = (
            f"Meta-strategy solver {program.train.name} for training and evaluation. --train and --eval take: "
            f"{', '.join(SOLVERS)}, or a file of your own (docs/psro.md)."
        )
    elif program is None:
        record["doc"] = "Two-player constant-sum games; one iteration is the whole solution."
    else:
        record["doc"] = (getattr(getattr(program, "module", None), "__doc__", None) or "").strip()
    if isinstance(program, Rule):  # planned_iterations is shown as declared: it follows the run
        record |= {"params": program.params, "choices": program.choices, "state": program.state}
    return record


def _exported(name: str) -> Algorithm | None:
    """Return what can be said of a file that a discovery wrote without running it; None for anything else."""
    name = located(name)
    if not is_file(name):
        return None
    from workbench.runs.programs import is_marked
    from workbench.solving.isolated import isolated_algorithm

    text = read_text(Path(name), "rule file")
    if not is_marked(text):
        return None
    return isolated_algorithm(name, {"algo": text}, {}, 0, train=None, evaluate=None, game="", max_histories=0)


def describe_method(name: str) -> dict[str, Any]:
    """Return name, title, reference, parameters and options of the trainer with their defaults, and doc of a method of learning.

    Raises
    ------
    UsageError
        For an unknown name.
    """
    from planners.learning.catalogue import find_method, method_module
    from planners.learning.method import CHOICES

    found, module = find_method(name), method_module(name)
    doc = (module.__doc__ or "").strip()
    return {
        "name": name,
        "title": getattr(module, "TITLE", "") or next(iter(doc.splitlines()), "a method of your own"),
        "reference": getattr(module, "REFERENCE", ""),
        "form": "method",
        "sampling": found.method.sampling,
        "needs": list(found.method.needs),
        "params": {**found.method.params, **found.options},
        "choices": CHOICES,
        "doc": doc,
    }


def describe_planner(name: str) -> dict[str, Any]:
    """Return name, title, reference, parameters with defaults and doc of a planner.

    Raises
    ------
    UsageError
        For an unknown name.
    """
    params = planner_params(name)
    maker, program = planner_maker(name)
    module = program.module if program is not None else importlib.import_module(PLANNERS[name].module)
    doc = (module.__doc__ or "").strip()
    own = PlannerEntry("", {}, next(iter(doc.splitlines()), "a planner of your own"), f"file {name}")
    entry = PLANNERS.get(name, own)
    return {
        "name": name,
        "title": entry.title,
        "reference": entry.reference,
        "form": "planner",
        "params": params,
        "choices": maker.choices,
        "doc": doc,
    }
