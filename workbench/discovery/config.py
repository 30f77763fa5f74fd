"""The configuration of a discovery: all that decides its result.

Parameters
----------
seeds : names of the programs to start from, or known for all published ones
operators : what makes new programs of old ones, with weights
horizon : iterations at which programs are scored; at least 1, or 0 for the task's own
seed : of everything that is random; from 0 to 2^63 - 1
evals : budget: programs measured on training instances; at least 0
cpu_seconds : budget: CPU seconds of candidates; at least 0
wall_seconds : budget: seconds of wall-clock time; at least 0
calls : budget: questions to language models; at least 0
tokens : budget: tokens in and out of language models; at least 0
money : budget: what language models cost by the prices; at least 0
window : steps that may be under way, step n knowing what step n - window found; from 1 to 4095
islands : populations that exchange members now and then; from 1 to 1,000,000
migration : share of steps whose parents come from another island; from 0 to 1
elites : share of steps whose parents are drawn from the best on one instance; from 0 to 1
pressure : how much better ranks are preferred as parents; from 0, not at all, to 1,000,000
pool : members of an island that parents are drawn from; from 2 to 1,000,000
age : steps after which a member is no parent any more; at least 1
share : quantile of the population that a program is compared with on its first instances; from 0 to 1
slack : times that quantile at which it is turned away; at least 0
ranking : what members are ranked by: the mean log, the average, or the log with a cap
sandbox : how candidates are isolated: by all that the kernel offers, or not at all
candidate_seconds : CPU seconds that a candidate has, at the task's own horizon; from 0.001 to 100,000
candidate_memory : bytes that a candidate has; from 2^20 to 2^46
flagged : whether programs are let in that take more than 20 times the CPU time of the yardstick
"""

import tomllib
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from games.errors import UnknownName, UsageError, did_you_mean
from games.files import read_file
from games.params import check_bounds
from games.plugins import TASK, expanded
from workbench.catalogue.shipped import TASKS
from workbench.discovery.books.records import Limits
from workbench.discovery.operators.catalogue import OPERATORS as PLAIN
from workbench.discovery.operators.language.settings import complete
from workbench.discovery.population.ranking import RANKINGS
from workbench.discovery.task import find_task

LANGUAGE = "llm"
OPERATORS = (*PLAIN, LANGUAGE)
PATIENCE = 10.0  # wall-clock over CPU limit: it is for programs that wait, and a machine that is busy or stopped must not decide
FAVOUR = 30.0  # times the CPU limit of others for what the user has chosen, where no cost is known to go by
GENEROUS = 20.0  # times the median of the published programs, for what the user has chosen
LEAST = 10.0  # CPU seconds for what the user has chosen
MOST = 1e5  # CPU seconds for any candidate: a day, whose wall-clock time all systems can wait for
CONFIGURATION = "configuration of a discovery"  # a kind of name
WANTED = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", tuple: "a list", dict: "a table"}
CHOICES = {"ranking": tuple(RANKINGS), "sandbox": ("auto", "none")}
BUDGETS = ("evals", "cpu_seconds", "wall_seconds", "calls", "tokens", "money")
BOUNDS = {
    "horizon": (0, 10**9),
    "seed": (0, 2**63 - 1),
    "evals": (0, 10**15),
    "cpu_seconds": (0.0, 1e15),
    "wall_seconds": (0.0, 1e15),
    "calls": (0, 10**15),
    "tokens": (0, 10**15),
    "money": (0.0, 1e15),
    "window": (1, 4095),
    "islands": (1, 10**6),
    "migration": (0.0, 1.0),
    "elites": (0.0, 1.0),
    "pressure": (0.0, 1e6),
    "pool": (2, 10**6),
    "age": (1, 10**15),
    "share": (0.0, 1.0),
    "slack": (0.0, 1e300),
    "candidate_seconds": (1e-3, MOST),
    "candidate_memory": (1 << 20, 1 << 46),
}


@dataclass(frozen=True)
class DiscoveryConfig:
    """A discovery, resolved.

    `seeds` are names of the task's programs, or "known" for all published ones; `operators` are relative weights; a budget of None
    is no limit. `window` is how many steps may be under way: step n is proposed from what was known after step n - window, so that
    any number of workers gives the same run. Programs are turned away when worse than `slack` times the `share` quantile of the
    population on an instance. Programs that take far more time than the task's yardstick are members if they may be `flagged`.
    """

    task: str
    seeds: tuple[str, ...] = ()
    operators: dict[str, float] = field(default_factory=lambda: {"mixed": 1.0})
    horizon: int = 0
    seed: int = 0
    evals: int | None = 1000
    cpu_seconds: float | None = None
    wall_seconds: float | None = None
    calls: int | None = None
    tokens: int | None = None
    money: float | None = None
    window: int = 8
    islands: int = 2
    migration: float = 0.1
    elites: float = 0.25
    pressure: float = 2.0
    pool: int = 40
    age: int = 2000
    share: float = 0.8
    slack: float = 3.0
    ranking: str = "log"
    sandbox: str = "auto"
    candidate_seconds: float = 30.0
    candidate_memory: int = 1 << 30
    language: dict[str, Any] = field(default_factory=dict)
    flagged: bool = False

    def limits(self, *, chosen: bool, scale: float = 1.0, typical: float | None = None) -> Limits:
        """Return what a candidate may use; a program that the user has chosen, a seed or a published one, more.

        `scale` is how many times the task's own horizon the run's is, `typical` what published programs have used.
        """
        seconds = self.candidate_seconds * max(1.0, scale)
        if chosen and typical is not None:
            seconds = max(seconds, LEAST, GENEROUS * typical)
        elif chosen:
            seconds *= FAVOUR
        seconds = min(seconds, MOST)
        return Limits(seconds, PATIENCE * seconds, self.candidate_memory * (2 if chosen else 1))


def defaults() -> dict[str, Any]:
    """Return every setting of a discovery but its task, and those of language models, with its default."""
    empty = DiscoveryConfig("")
    return {f.name: getattr(empty, f.name) for f in fields(empty) if f.name not in ("task", "language")}


def resolve(config: DiscoveryConfig, imported: Collection[str] = ()) -> DiscoveryConfig:
    """Return `config` with the task's own horizon and seeds filled in; `imported` are names of further programs.

    Raises
    ------
    UsageError
        For an unknown task, seed, operator or ranking, or a number out of range.
    """
    config = replace(config, task=expanded(TASK, config.task, TASKS))
    task = find_task(config.task)
    programs = [*task.known(), *task.seeds(), *imported]
    seeds = config.seeds or (next(iter(task.seeds())),)
    if seeds == ("known",):
        seeds = tuple(task.known())
    for name in seeds:
        if name not in programs:
            raise UsageError(f"unknown seed {name!r}{did_you_mean(name, programs)}; legal are known, {', '.join(programs)}")
    check(config)
    horizon = config.horizon or task.horizon
    if config.language and LANGUAGE not in config.operators:
        raise UsageError(
            f"llm.{next(iter(config.language))} is for the operator {LANGUAGE}, which is not among {', '.join(config.operators)}; "
            f"add it: --operator mixed=3,{LANGUAGE}=1"
        )
    if LANGUAGE in config.operators:
        config = replace(config, language=complete(config.language))
    return DiscoveryConfig(**{**asdict(config), "seeds": tuple(seeds), "horizon": horizon})


def check(config: DiscoveryConfig) -> None:
    """Check the numbers and names of a configuration, whose task and seeds are known.

    Raises
    ------
    UsageError
        For an unknown operator, ranking or sandbox, or a number out of range.
    """
    for name, weight in config.operators.items():
        if name not in OPERATORS:
            raise UsageError(f"unknown operator {name!r}{did_you_mean(name, OPERATORS)}; legal are {', '.join(OPERATORS)}")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0.0 < weight < 1e300:
            raise UsageError(f"the weight {weight!r} of operator {name} must be positive")
    if not config.operators:
        raise UsageError(f"no operator; legal are {', '.join(OPERATORS)}")
    if config.ranking not in RANKINGS:
        raise UsageError(f"unknown ranking {config.ranking!r}; legal are {', '.join(RANKINGS)}")
    if config.sandbox not in CHOICES["sandbox"]:
        raise UsageError(f"unknown sandbox {config.sandbox!r}; legal are auto (all that the kernel offers) and none")
    check_bounds(vars(config), BOUNDS)
    if all(getattr(config, name) is None for name in BUDGETS):
        raise UsageError("no budget; give --budget-evals, --budget-cpu or --budget-time")
    if LANGUAGE not in config.operators and all(getattr(config, name) is None for name in ("evals", "cpu_seconds", "wall_seconds")):
        raise UsageError("only questions to language models have a budget, and no operator asks any; give --budget-evals too")


def from_record(record: dict[str, Any]) -> DiscoveryConfig:
    """Return the configuration that `dataclasses.asdict` made `record` of.

    Raises
    ------
    UsageError
        For an unknown key or a value of the wrong type.
    """
    types = {f.name: f for f in fields(DiscoveryConfig)}
    for key, value in record.items():
        if key not in types:
            raise UsageError(f"unknown setting {key!r}{did_you_mean(key, list(types))}; legal are {', '.join(types)}")
        _check_type(key, value, types[key].type)
    if not all(isinstance(name, str) for name in record.get("seeds", ())):
        raise UsageError("seeds are names of programs")
    if "task" not in record:
        raise UsageError(f"no task; write task = {'cfr'!r} or another")
    return DiscoveryConfig(**{**record, "seeds": tuple(record.get("seeds", ()))})


def load_config(path: Path) -> DiscoveryConfig:
    """Return the configuration in the TOML file `path`.

    Raises
    ------
    UsageError
        If it cannot be read, or for a wrong setting.
    """
    try:
        record = tomllib.loads(read_file(path, CONFIGURATION).decode())
    except UnicodeDecodeError as error:
        raise UnknownName(
            str(path), CONFIGURATION, f"cannot read {path}: it is not text; a configuration is TOML in UTF-8"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UnknownName(str(path), CONFIGURATION, f"{path} is not valid TOML: {error}") from error
    return from_record(record)


def _check_type(key: str, value: Any, annotation: Any) -> None:
    options = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    kinds = [get_origin(option) or option for option in options]
    legal = [*kinds, *([int] if float in kinds else []), *([list] if tuple in kinds else [])]
    if (isinstance(value, bool) and bool not in kinds) or not isinstance(value, tuple(legal)):
        wanted = next(kind for kind in kinds if kind is not NoneType)
        raise UsageError(f"{key} = {value!r} is not possible; it must be {WANTED[wanted]}")
