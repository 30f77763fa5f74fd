"""The catalogue of planners: what can be run, with parameters, defaults and references."""

import importlib
from collections.abc import Mapping
from typing import NamedTuple

from games.errors import UnknownName, did_you_mean
from games.makers import Maker, find_maker, make_checked
from games.modules import Program, is_program, load_program
from games.params import Value, resolve_params
from games.plugins import PLANNER, expanded, known_names
from games.sentences import check_ranges
from planners.planner import Planner


class Entry(NamedTuple):
    """A catalogued planner: its module, preset values, a title and a reference.

    The module has ``PARAMS`` (name: default), maybe ``CHOICES`` (name: legal texts), and ``make(name, **params)``, which returns
    the `Planner`.
    """

    module: str
    given: Mapping[str, Value]
    title: str
    reference: str


FLARE = "Wang et al. 2026, arXiv 2601.22311"

PLANNERS: dict[str, Entry] = {
    "random": Entry("planners.search.random_planner", {}, "a uniformly drawn legal action", ""),
    "greedy": Entry("planners.search.stepwise", {}, "the best local score", ""),
    "greedy-value": Entry("planners.search.stepwise", {"by": "value"}, "the best value after one step", ""),
    "lookahead": Entry("planners.search.stepwise", {"j": 1}, "the best sum of local scores over 1 + j steps", ""),
    "lookahead-value": Entry(
        "planners.search.stepwise", {"j": 1, "by": "value"}, "the best value after 1 + j best-scored steps", ""
    ),
    "beam": Entry("planners.search.beam", {}, "beam search by sums of local scores", ""),
    "beam-value": Entry("planners.search.beam", {"by": "value"}, "beam search, its survivors compared by value", ""),
    "best-of-n": Entry(
        "planners.search.best_of_n", {}, "the best of n random rollouts decides", "Wang et al. 2022, arXiv 2203.11171"
    ),
    "receding-horizon": Entry("planners.search.receding", {"H": 3}, "the exact best return of the next H steps (small worlds)", ""),
    "oracle": Entry("planners.search.receding", {}, "exact play to the end by dynamic programming (small worlds)", "Bellman 1957"),
    "flare": Entry("planners.flare.planner", {}, "FLARE: flare-paper by its short name", FLARE),
    "flare-paper": Entry("planners.flare.planner", {}, "FLARE with the defaults of the paper", FLARE),
    "flare-wb": Entry(
        "planners.flare.planner",
        {
            "backup": "mixed",
            "rollout": "softmax",
            "proposal": "top-random",
            "widening": True,
            "gamma": 0.99,
            "repeat_penalty": 0.05,
            "memory": "end",
            "shortcut": True,
            "reuse": True,
        },
        "FLARE with the extensions of the workbench",
        FLARE,
    ),
    "policy": Entry("planners.policies.reactive", {}, "a learned policy alone, without search (reactive)", ""),
    "llm": Entry(
        "planners.language.agent", {}, "a language model decides, one answer a step", "Yu et al. 2026, arXiv 2602.05327, section 4"
    ),
    "flat": Entry(
        "planners.critic.flat",
        {"discount": 1.0, "horizon": 1000},
        "flat Monte Carlo: rollouts for each action, the best mean",
        "Abramson 1990",
    ),
    "flat-critic": Entry("planners.critic.flat", {}, "the best Q of the Monte-Carlo critic", "ProAct, arXiv 2602.05327"),
    "expectimax": Entry(
        "planners.search.expectimax", {}, "expectimax to a depth; bitboards, adaptive depth on 2048", "Michie 1966; Ballard 1983"
    ),
    "mcts": Entry(
        "planners.search.mcts",
        {},
        "UCT with rollouts, chance nodes, transpositions; PUCT with a policy",
        "Kocsis & Szepesvari 2006",
    ),
    "proact": Entry("planners.search.proact", {}, "tree search with Monte-Carlo-critic leaves", "ProAct, arXiv 2602.05327"),
    "astar": Entry("planners.search.best_first", {}, "A*: cheapest plans", "Hart, Nilsson & Raphael 1968"),
    "wastar": Entry(
        "planners.search.best_first", {"bound_weight": 3.0}, "weighted A*: plans at most that much dearer", "Pohl 1970"
    ),
    "greedy-best-first": Entry(
        "planners.search.best_first", {"path_weight": 0.0}, "best-first search by the lower bound alone", "Pohl 1970"
    ),
    "idastar": Entry("planners.search.idastar", {}, "iterative-deepening A*: cheapest plans in little memory", "Korf 1985"),
    "sokoban-solver": Entry(
        "planners.search.portfolio", {}, "A*, then searches from both ends in turn, which meet", "Gomes & Selman 2001"
    ),
}


METHODS = {"begin": 2, "decide": 3}  # of a planner: how many arguments they take


def find_planner(name: str, given: Mapping[str, Value] | None = None, text: str | None = None) -> Planner:
    """Return the planner called `name` with `given` values for its parameters.

    `name` is that of the catalogue, or a planner of the user's own: the path of a file, whose text may be given, or
    ``module:attribute``. Such a file has ``PARAMS`` and ``make(name, **params)``, like the modules of the shipped planners.

    Raises
    ------
    UsageError
        For an unknown name, parameter or value.
    GameplanError
        For a file that is no planner.
    """
    maker, program = planner_maker(name, text)
    params = planner_params(name, given, text)
    made: Planner = maker.make(name, **params) if program is None else make_checked(program, "planner", maker, params, METHODS)
    return made


def planner_params(name: str, given: Mapping[str, Value] | None = None, text: str | None = None) -> dict[str, Value]:
    """Return a value for every parameter of the planner called `name`: its defaults, overridden by `given`.

    Raises
    ------
    UsageError
        For an unknown name, parameter or value.
    """
    maker, _ = planner_maker(name, text)
    params = resolve_params(name, maker.defaults, maker.choices, given or {})
    check_ranges(name, params, maker.doc)
    return params


def planner_maker(name: str, text: str | None = None) -> tuple[Maker, Program | None]:
    """Return what makes the planner called `name`, and the program if it is the user's own.

    Raises
    ------
    UsageError
        For an unknown name.
    GameplanError
        For a file that is no planner.
    """
    name = expanded(PLANNER, name, PLANNERS)
    if name not in PLANNERS:
        if not is_program(name):
            known = known_names(PLANNER, PLANNERS)
            raise UnknownName(name, PLANNER, f"unknown planner {name!r}{did_you_mean(name, known)}; legal are {', '.join(known)}")
        from planners.policies.function import function_maker

        program = load_program(name, "planner file", text)
        return function_maker(program) or find_maker(program, "planner"), program
    module = importlib.import_module(PLANNERS[name].module)
    defaults = {**module.PARAMS, **PLANNERS[name].given}
    return Maker(module.make, defaults, getattr(module, "CHOICES", {}), doc=module.__doc__), None
