"""The families of algorithms: one object each for all that holds of a kind.

A family knows which names are its own, by the catalogue or by what a file defines; finds the program that a request asks for, with
its parameters; and makes solvers of it. Nothing else decides what kind of algorithm a name is.
"""

from collections.abc import Mapping, Set
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from games.compiler import Progress
from games.errors import UnknownName, UsageError, did_you_mean
from games.modules import is_file, located
from games.params import Value, resolve_params
from games.plugins import ALGORITHM, META_SOLVER, expanded, known_names
from games.sentences import check_ranges, sentences, without_sentences
from games.sequence_form import SequenceGame
from solvers.cfr.class_form import METHODS, ClassProgram, make_class_program
from solvers.cfr.rule_file import FUNCTIONS, ITERATES, Rule, load_module, make_rule, shipped_rule
from solvers.psro.catalogue import PRESETS, SOLVERS
from solvers.psro.meta_solver import CLASSES, MetaSolver, load_meta_solver, make_meta_solver, shipped_module
from solvers.psro.meta_solver import FUNCTIONS as META_FUNCTIONS
from workbench.catalogue.entries import CFR, MIXTURE, Entry
from workbench.catalogue.entries import CONCEPTS as CONCEPT_ENTRIES
from workbench.catalogue.entries import EXACT as EXACT_ENTRIES
from workbench.catalogue.entries import PSRO as PSRO_ENTRIES
from workbench.catalogue.entries import SAMPLING as SAMPLING_ENTRIES
from workbench.catalogue.sources import Source, read_source

AVERAGE, LAST, BEST = ITERATES
_META = {*CLASSES.values(), *META_FUNCTIONS.values()}


class Request(NamedTuple):
    """An algorithm as it is asked for.

    `algo`, `train` and `eval` are catalogue names or paths, the latter two of meta-strategy solvers; `given` are parameters,
    `iterations` the length of the run (0: the family's own). `sources` has those programs, by role, that were read already.
    """

    algo: str
    given: Mapping[str, Value]
    iterations: int = 0
    train: str | None = None
    eval: str | None = None
    sources: Mapping[str, Source] = {}


class Found(NamedTuple):
    """What a family found: the program, a value for each of its parameters, and the names of solvers that were `chosen` by role."""

    program: Any
    params: dict[str, Value]
    chosen: Mapping[str, str] = {}


class Terms(NamedTuple):
    """On what terms a solver works: whether players move on one after the other, and the seed of what it draws."""

    alternating: bool
    seed: int = 0


class Family:
    """A kind of algorithm.

    Attributes
    ----------
    name : str
    entries : mapping
        What ships, by name.
    iterations : int
        The length of a run, unless somebody says otherwise.
    every : int or None
        How often a run is evaluated; None: ten times a decade.
    parameters : str
        Where an algorithm's parameters come from, for people.
    iterates : tuple of str
        Which policies its algorithms can report; the first is reported unless a program says otherwise.
    random : bool
        Whether its algorithms draw random numbers, so that the seed of a run matters.
    concludes : bool
        Whether the last remarks of its solvers are a part of a run's result.
    """

    name: str
    entries: Mapping[str, Entry]
    iterations = 1000
    every: int | None = None
    parameters: str
    iterates: tuple[str, ...] = ITERATES
    random = False
    concludes = False

    def defines(self, names: Set[str]) -> bool:
        """Return whether a file that defines these names holds an algorithm of this family."""
        return False

    def find(self, request: Request) -> Found:
        """Return the program that is asked for.

        Raises
        ------
        UsageError
            For an unknown parameter or value.
        GameplanError
            For a file that is no valid program, saying what is wrong with it.
        """
        raise NotImplementedError

    def prepare(self, game: SequenceGame, progress: Progress | None) -> None:
        """Bring what its solvers need of `game` beyond the compiled game into the cache; `progress` is told of histories walked."""

    def make(self, program: Any, params: Mapping[str, Value], game: SequenceGame, terms: Terms) -> Any:
        """Return a fresh solver for `game`.

        Raises
        ------
        UsageError
            For terms that its algorithms cannot keep to.
        """
        raise NotImplementedError

    def told(self, program: Any) -> dict[str, Any]:
        """Return what is told of a program: its ``doc``, ``sentences`` about its parameters, and what it declares."""
        doc = getattr(getattr(program, "module", None), "__doc__", None)
        return {"sentences": sentences(doc), "doc": without_sentences(doc)}


class Rules(Family):
    """CFR variants: three functions over a player's whole table."""

    name, entries = "rule", CFR
    parameters = "PARAMS of the rule: --set NAME=VALUE"

    def defines(self, names: Set[str]) -> bool:
        """See `Family.defines`."""
        return not names.isdisjoint(FUNCTIONS) and not CLASS_PROGRAM.defines(names)

    def find(self, request: Request) -> Found:
        """See `Family.find`."""
        source = request.sources.get("algo")
        rule = make_rule(source.path.name, *load_module(source.path)) if source else find_rule(request.algo)
        length = request.iterations or self.iterations
        params = resolve_params(request.algo, rule.params, rule.choices, request.given, length)
        check_ranges(request.algo, params, rule.module.__doc__)
        return Found(rule, params)

    def make(self, program: Rule, params: Mapping[str, Value], game: SequenceGame, terms: Terms) -> Any:
        """See `Family.make`."""
        from solvers.cfr.solver import CFRSolver

        return CFRSolver(game, program, dict(params), alternating=terms.alternating)

    def told(self, program: Rule) -> dict[str, Any]:
        """See `Family.told`; parameters as they are declared, for ``planned_iterations`` follows the run."""
        return {**super().told(program), "params": program.params, "choices": program.choices, "state": program.state}


class ClassPrograms(Family):
    """Programs in the published class form, which keep memory where they like."""

    name, entries = "class program", {}
    parameters = "none: edit the file instead of using --set"

    def defines(self, names: Set[str]) -> bool:
        """See `Family.defines`."""
        return not names.isdisjoint(METHODS) and "PARAMS" not in names

    def find(self, request: Request) -> Found:
        """See `Family.find`."""
        refuse_params(request)
        source = request.sources["algo"]
        return Found(make_class_program(source.path.name, *load_module(source.path)), {})

    def make(self, program: ClassProgram, params: Mapping[str, Value], game: SequenceGame, terms: Terms) -> Any:
        """See `Family.make`."""
        from solvers.cfr.class_form import ClassProgramSolver

        return ClassProgramSolver(game, program, alternating=terms.alternating)


class MetaSolvers(NamedTuple):
    """The two meta-strategy solvers of a PSRO algorithm."""

    train: MetaSolver
    eval: MetaSolver


class PSROAlgorithms(Family):
    """PSRO with any two meta-strategy solvers; an iteration grows the populations, so a thousand would be a misunderstanding."""

    name, entries = "psro", PSRO_ENTRIES
    iterations = 100
    iterates = (MIXTURE,)
    parameters = "of PSRO itself: --set NAME=VALUE; of its meta-strategy solvers: --set train.NAME=VALUE, --set eval.NAME=VALUE"

    def defines(self, names: Set[str]) -> bool:
        """See `Family.defines`."""
        return not names.isdisjoint(_META) and names.isdisjoint(FUNCTIONS)

    def find(self, request: Request) -> Found:
        """See `Family.find`."""
        chosen = self.chosen(request)
        split: dict[str, dict[str, Value]] = {"train": {}, "eval": {}}
        options, given = self.options(request)
        for key, value in given.items():
            role, dot, name = key.partition(".")
            if not dot or role not in split:
                legal = [*self.own(), *(f"{r}.{n}" for r in split for n in find_meta_solver(chosen[r], r, {}).params)]
                raise UsageError(f"{request.algo} has no parameter {key!r}{did_you_mean(key, legal)}; legal: {', '.join(legal)}")
            split[role][name] = value
        pair = MetaSolvers(*(find_meta_solver(chosen[role], role, split[role]) for role in ("train", "eval")))
        params = {**options, **_by_role(pair)}
        return Found(pair, params, {} if "algo" in request.sources else {r: s.name for r, s in pair._asdict().items()})

    def own(self) -> dict[str, Value]:
        """Return the parameters of the loop, with their defaults."""
        from solvers.psro.solver import PARAMS

        return PARAMS

    def options(self, request: Request) -> tuple[dict[str, Value], dict[str, Value]]:
        """Return the loop's parameters that a request changes, and the rest of what is given.

        Those that have their defaults are left out: a run that wants nothing of them is the same as one of a version without them.

        Raises
        ------
        UsageError
            For a value of the wrong type.
        """
        own = self.own()
        given = {key: value for key, value in request.given.items() if key in own}
        changed = {k: v for k, v in resolve_params(request.algo, own, {}, given).items() if v != own[k]}
        return changed, {key: value for key, value in request.given.items() if key not in own}

    def chosen(self, request: Request) -> dict[str, str]:
        """Return role -> catalogue name or path of the solvers that a request asks for.

        Those of a preset, or of the file that the algorithm is, are replaced by the request's `train` and `eval`; a preset whose
        train solver is replaced is evaluated by the new one too.
        """
        own = request.sources.get("algo")
        preset = str(own.path) if own else PRESETS[request.algo][0] if request.algo in PRESETS else "shor"
        named = {role: str(source.path) for role, source in request.sources.items()}
        train, evaluate = (named.get(role) or name for role, name in (("train", request.train), ("eval", request.eval)))
        return {"train": train or preset, "eval": evaluate or (None if own else train) or preset}

    def make(self, program: MetaSolvers, params: Mapping[str, Value], game: SequenceGame, terms: Terms) -> Any:
        """See `Family.make`."""
        from solvers.psro.solver import PSROSolver

        return PSROSolver(game, program.train, program.eval, params)

    def told(self, program: MetaSolvers) -> dict[str, Any]:
        """See `Family.told`."""
        from solvers.psro import solver as loop

        said = sentences(loop.__doc__) | {
            f"{role}.{name}": text
            for role, solver in program._asdict().items()
            for name, text in sentences(solver.doc).items()
            if name in solver.params
        }
        return {
            "params": {**self.own(), **_by_role(program)},
            "sentences": said,
            "doc": f"Meta-strategy solver {program.train.name} for training and evaluation. --train and --eval take: "
            f"{', '.join(SOLVERS)}, or a file of your own (docs/psro.md).",
        }


def _by_role(pair: MetaSolvers) -> dict[str, Value]:
    """Return the parameters of both solvers, such as "train.steps"."""
    return {f"{role}.{name}": value for role, solver in pair._asdict().items() for name, value in solver.params.items()}


class ExactMethods(Family):
    """Methods whose one iteration is the whole solution."""

    name, entries = "exact", EXACT_ENTRIES
    iterations = 1
    concludes = True
    iterates = ("solution",)
    parameters = "none"

    def find(self, request: Request) -> Found:
        """See `Family.find`."""
        if request.given:
            raise UsageError(f"{request.algo} has no parameters; leave out --set")
        return Found(self.entries[request.algo].module, {})

    def make(self, program: str, params: Mapping[str, Value], game: SequenceGame, terms: Terms) -> Any:
        """See `Family.make`."""
        return import_module(program).make(game)  # SciPy takes a third of a second, and forks of candidates would carry it

    def told(self, program: str) -> dict[str, Any]:
        """See `Family.told`."""
        return {"doc": "Two-player constant-sum games; one iteration is the whole solution."}


class ConceptMethods(Family):
    """Methods for other solution concepts than Nash equilibrium: what they report may be meant to be exploitable."""

    name, entries = "concept", CONCEPT_ENTRIES
    iterations = 10_000
    concludes = True
    iterates = ("solution",)
    parameters = "PARAMS of the method: --set NAME=VALUE"

    def find(self, request: Request) -> Found:
        """See `Family.find`."""
        module = import_module(self.entries[request.algo].module)
        params = resolve_params(request.algo, module.PARAMS, {}, request.given, self.iterations)
        check_ranges(request.algo, params, module.__doc__)
        return Found(module, params)

    def make(self, program: Any, params: Mapping[str, Value], game: SequenceGame, terms: Terms) -> Any:
        """See `Family.make`."""
        return program.make(game, params)

    def told(self, program: Any) -> dict[str, Any]:
        """See `Family.told`."""
        return {"sentences": sentences(program.__doc__), "doc": without_sentences(program.__doc__)}


class SamplingMethods(Family):
    """Monte-Carlo CFR: an iteration visits a few nodes, so there are many of them."""

    name, entries = "sampling", SAMPLING_ENTRIES
    iterations = 100_000
    parameters = "PARAMS of the method: --set NAME=VALUE"
    random = concludes = True

    def find(self, request: Request) -> Found:
        """See `Family.find`."""
        from solvers.mccfr.solver import shipped_method

        method = shipped_method(request.algo, self.entries[request.algo].module)
        params = resolve_params(request.algo, method.params, method.choices, request.given, self.iterations)
        check_ranges(request.algo, params, method.module.__doc__)
        return Found(method, params)

    def prepare(self, game: SequenceGame, progress: Progress | None) -> None:
        """See `Family.prepare`."""
        from games.histories import load_histories

        load_histories(game, progress)

    def make(self, program: Any, params: Mapping[str, Value], game: SequenceGame, terms: Terms) -> Any:
        """See `Family.make`."""
        from solvers.mccfr.solver import MCCFRSolver

        if not terms.alternating:
            raise UsageError(f"{program.name} samples for one player after the other; leave out --updates simultaneous")
        return MCCFRSolver(game, program, params, seed=terms.seed)

    def told(self, program: Any) -> dict[str, Any]:
        """See `Family.told`."""
        return {**super().told(program), "choices": program.choices}


RULE, CLASS_PROGRAM, PSRO, EXACT, CONCEPT, SAMPLING = (
    Rules(), ClassPrograms(), PSROAlgorithms(), ExactMethods(), ConceptMethods(), SamplingMethods(),
)  # fmt: skip
FAMILIES: tuple[Family, ...] = (RULE, CLASS_PROGRAM, PSRO, EXACT, CONCEPT, SAMPLING)
ALGORITHMS: dict[str, Entry] = {name: entry for family in FAMILIES for name, entry in family.entries.items()}


def family_of(name: str, source: Source | None = None, *, execute: bool = False) -> Family:
    """Return the family of the algorithm called `name`, or of the one in the file `source`.

    A file whose text says nothing, because its parts come from elsewhere, is asked by running it if `execute` allows that. One of
    no family is taken for a rule, whose reader says what is missing.

    Raises
    ------
    UnknownName
        If there is no such algorithm.
    """
    if source is None:
        found = [family for family in FAMILIES if name in family.entries]
        if not found:
            raise UnknownName(
                name,
                "algorithm",
                f"unknown algorithm {name!r}{did_you_mean(name, known_names(ALGORITHM, ALGORITHMS))}; 'gameplan algos' lists "
                "them, and a path such as ./my_rule.py runs a rule of your own",
            )
        return found[0]
    found = [family for family in FAMILIES if family.defines(source.names)]
    if not found and execute:
        names = vars(load_module(source.path)[0]).keys()
        found = [family for family in FAMILIES if family.defines(names)]
    return found[0] if found else RULE


def refuse_params(request: Request) -> None:
    """Refuse parameters for a class program, which declares none."""
    if request.given:
        raise UsageError(f"{request.algo} is a class program, which declares no parameters; edit the file instead of using --set")


@cache
def find_rule(name: str) -> Rule:
    """Return the shipped CFR rule called `name` (a key of `workbench.catalogue.entries.CFR`)."""
    return shipped_rule(name, CFR[name].module)


def find_meta_solver(name: str, role: str, given: Mapping[str, Value]) -> MetaSolver:
    """Return the meta-strategy solver called `name` (a catalogue name, a file, ``module:attribute``) for a `role`: train or eval.

    Raises
    ------
    UsageError
        For an unknown name or parameter.
    GameplanError
        For a file that has no solver for the role.
    """
    name = located(expanded(META_SOLVER, name, SOLVERS))
    if is_file(name):
        return load_meta_solver(read_source(name, META_SOLVER).path, role, given)
    if name not in SOLVERS:
        raise UnknownName(
            name,
            META_SOLVER,
            f"unknown meta-strategy solver {name!r}{did_you_mean(name, known_names(META_SOLVER, SOLVERS))}; legal are "
            f"{', '.join(known_names(META_SOLVER, SOLVERS))} and a path "
            "such as ./my_solver.py",
        )
    return make_meta_solver(name, role, shipped_module(SOLVERS[name][0]), given, None)
