"""What surrounds a run, a room for each concern; every room says in its first line what lives there and what it may use.

``import workbench as gp`` is the door for Python: `solve`, `compare`, `plan`, `psro`, `train`, `critic`, `evolve`, `resume`,
`runs`, `load_policy`, `value`, `register`. They are the functions that the commands call; what is behind them is imported when it
is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from games.errors import GameplanError as GameplanError
    from games.errors import UsageError as UsageError
    from games.loader import load_game as load_game
    from games.plugins import register as register
    from games.worlds import load_world as load_world
    from workbench.door.comparing import Comparison as Comparison
    from workbench.door.comparing import GameComparison as GameComparison
    from workbench.door.comparing import compare as compare
    from workbench.door.comparing import compare_methods as compare_methods
    from workbench.door.comparing import compare_planners as compare_planners
    from workbench.door.evolving import EvolveResult as EvolveResult
    from workbench.door.evolving import evolve as evolve
    from workbench.door.learning import TrainResult as TrainResult
    from workbench.door.learning import train as train
    from workbench.door.listing import runs as runs
    from workbench.door.locking import Lock as Lock
    from workbench.door.matching import Values as Values
    from workbench.door.matching import value as value
    from workbench.door.options import Budget as Budget
    from workbench.door.options import PlanOptions as PlanOptions
    from workbench.door.options import SolveOptions as SolveOptions
    from workbench.door.options import TrainOptions as TrainOptions
    from workbench.door.planning import CriticResult as CriticResult
    from workbench.door.planning import PlanResult as PlanResult
    from workbench.door.planning import critic as critic
    from workbench.door.planning import plan as plan
    from workbench.door.policy import Policy as Policy
    from workbench.door.policy import load_policy as load_policy
    from workbench.door.progress import Progress as Progress
    from workbench.door.resuming import resume as resume
    from workbench.door.solving import PsroResult as PsroResult
    from workbench.door.solving import SolveResult as SolveResult
    from workbench.door.solving import psro as psro
    from workbench.door.solving import solve as solve

_PLACES = {  # name: the module it lives in
    "GameplanError": "games.errors",
    "UsageError": "games.errors",
    "load_game": "games.loader",
    "load_world": "games.worlds",
    "register": "games.plugins",
    "Comparison": "workbench.door.comparing",
    "GameComparison": "workbench.door.comparing",
    "compare": "workbench.door.comparing",
    "compare_methods": "workbench.door.comparing",
    "compare_planners": "workbench.door.comparing",
    "EvolveResult": "workbench.door.evolving",
    "evolve": "workbench.door.evolving",
    "TrainResult": "workbench.door.learning",
    "train": "workbench.door.learning",
    "CriticResult": "workbench.door.planning",
    "PlanResult": "workbench.door.planning",
    "critic": "workbench.door.planning",
    "plan": "workbench.door.planning",
    "Budget": "workbench.door.options",
    "PlanOptions": "workbench.door.options",
    "SolveOptions": "workbench.door.options",
    "TrainOptions": "workbench.door.options",
    "Lock": "workbench.door.locking",
    "Values": "workbench.door.matching",
    "value": "workbench.door.matching",
    "Policy": "workbench.door.policy",
    "load_policy": "workbench.door.policy",
    "Progress": "workbench.door.progress",
    "resume": "workbench.door.resuming",
    "PsroResult": "workbench.door.solving",
    "SolveResult": "workbench.door.solving",
    "psro": "workbench.door.solving",
    "solve": "workbench.door.solving",
}
__all__ = [*_PLACES, "runs"]


def __getattr__(name: str) -> Any:
    """Return what the door has, imported when it is first asked for."""
    if name == "runs":  # a room that can be called: whoever imports from it finds it here under this name
        return import_module("workbench.runs")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_PLACES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
