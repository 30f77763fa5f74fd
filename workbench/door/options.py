"""What the functions of the door are told beyond their usual arguments, and how loose values become exact ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from games.asked import Natural, Place, Positive, make_exact
from games.compiler import MAX_HISTORIES
from games.errors import UsageError
from games.memory import parse_size
from games.params import Value
from games.sequence_form import SequenceGame
from workbench.terminal.durations import LONGEST, parse_duration

Duration = float | str  # seconds, or a text such as "10s"


@dataclass(frozen=True)
class SolveOptions:
    """What is said of a solver run beyond the usual.

    Attributes
    ----------
    updates : {"alternating", "simultaneous"}
        How players move on.
    iterate : {"average", "last", "best"}, optional
        Which policy is reported: the average, the last iterate, or the best iterate of those evaluated; None: what the algorithm
        is meant to be reported by.
    every : int, optional
        Evaluate each so many iterations; None: ten times a decade (PSRO: as the family has it).
    seed : int
        Of methods that sample, and of `jitter`; others draw no random numbers.
    jitter : float
        Scale each payoff by a random factor from 1 - jitter to 1 + jitter; what changes at 1e-15 is rounding.
    gaps : bool, optional
        Whether to report how far the play so far is from (coarse) correlated equilibria; None: in small games of more than two
        players or of general sum.
    sandbox : bool
        Run programs of your own in a locked process.
    trusted : bool
        Run programs that a discovery has written as you, not isolated.
    max_histories : int
        Refuse larger games.
    max_memory : int or str, optional
        Refuse games that need more bytes to compile, such as ``"2GB"``; None: half of what is free.
    force : bool
        Replace the run directory ``out`` if it exists.
    """

    updates: Literal["alternating", "simultaneous"] = "alternating"
    iterate: Literal["average", "last", "best"] | None = None
    every: Positive | None = None
    seed: int = 0
    jitter: float = 0.0
    gaps: bool | None = None
    sandbox: bool = False
    trusted: bool = False
    max_histories: Positive = MAX_HISTORIES
    max_memory: int | str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        make_exact(self)

    @property
    def memory(self) -> int | None:
        """`max_memory` in bytes."""
        return parse_size(self.max_memory) if isinstance(self.max_memory, str) else self.max_memory


@dataclass(frozen=True)
class Budget:
    """What a planner may spend; None: no limit of this kind.

    Attributes
    ----------
    simulations, evaluations, expansions : int, optional
        Of a decision: trajectories, calls of the evaluator, states expanded.
    time_per_move : float or str, optional
        Of a decision, in seconds or as a text such as ``"1ms"``.
    time_limit : float or str, optional
        Of an episode (a level), in seconds or as a text.
    steps : int, optional
        Cut episodes after so many steps; None: the world's own rule.
    """

    simulations: Positive | None = None
    evaluations: Positive | None = None
    expansions: Positive | None = None
    time_per_move: Duration | None = None
    time_limit: Duration | None = None
    steps: Positive | None = None

    def __post_init__(self) -> None:
        make_exact(self)


@dataclass(frozen=True)
class PlanOptions:
    """What is said of a planner run beyond the usual.

    Attributes
    ----------
    world : mapping
        Options of the world, such as ``{"rules": "proact"}``, or ``{"levels": "my.xsb"}`` for Sokoban.
    jobs : int
        Processes for what takes long. With more than one, a script needs ``if __name__ == "__main__":`` around its calls, as with
        `multiprocessing`.
    protocol : {"proact", "clean"}, optional
        Of language models: ProAct's evaluation, every turn on record (``planner="llm"``).
    beside : str, optional
        Who else plays on the same seeds under a protocol, as ``"random, flat-critic:rollouts=20"``, which is the default.
    force : bool
        Replace the run directory ``out`` if it exists.
    """

    world: Mapping[str, Value] = field(default_factory=dict)
    jobs: Positive = 1
    protocol: str | None = None
    beside: str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        make_exact(self)


@dataclass(frozen=True)
class TrainOptions:
    """What is said of a training run beyond the usual.

    Attributes
    ----------
    world : mapping
        Options of the world.
    policy, value : str
        Kinds of what is learned, such as "linear" or "mlp"; empty: the world's usual one, or that of `init`.
    policy_params, value_params : mapping
        Parameters of these kinds.
    init : str or Path
        The run or file whose policy learning starts from.
    steps : int
        Stop after so many steps of the environment; 0: no such limit.
    episodes : int
        Held-out episodes of the final score.
    force : bool
        Replace the run directory ``out`` if it exists.
    """

    world: Mapping[str, Value] = field(default_factory=dict)
    policy: str = ""
    value: str = ""
    policy_params: Mapping[str, Value] = field(default_factory=dict)
    value_params: Mapping[str, Value] = field(default_factory=dict)
    init: Place = ""
    steps: Natural = 0
    episodes: Positive = 100
    force: bool = False

    def __post_init__(self) -> None:
        make_exact(self)


def seconds(duration: Duration | None) -> float | None:
    """Return a duration in seconds.

    Raises
    ------
    UsageError
        For a text that is no duration, or a number that is not positive.
    """
    if isinstance(duration, str):
        return parse_duration(duration)
    if duration is not None and not 0.0 < duration <= LONGEST:
        raise UsageError(f"the duration {duration!r} is not possible; it is a positive number of seconds, or a text such as '10s'")
    return duration


def game_name(game: object) -> str:
    """Return the name of a game: a text as it is, or the name of a compiled game or of one that OpenSpiel has opened.

    Raises
    ------
    UsageError
        For anything else.
    """
    if isinstance(game, str | Path):
        return str(game)
    if isinstance(game, SequenceGame):
        return game.name
    if hasattr(game, "new_initial_state") and hasattr(game, "get_type"):
        return str(game)
    raise UsageError(f"a game is a name, a compiled game, or one of OpenSpiel's, not {type(game).__name__}")
