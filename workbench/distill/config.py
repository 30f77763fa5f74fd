"""The configuration of a data set: resolved, saved, resumed."""

from dataclasses import dataclass, field, replace
from typing import Any

from games.errors import GameplanError, UnknownName, UsageError, did_you_mean
from games.params import Value, resolve_params
from games.reading import shown
from games.sentences import check_ranges
from games.worlds import WORLDS
from planners.glad.chains import RANKS, TOKENS, Style
from workbench.catalogue.shipped import CHAINS
from workbench.planning.mixture import own_players
from workbench.runs.directory import CONFIG, RunDirectory, blamed
from workbench.runs.formats import SCHEMA, differing
from workbench.runs.kinds import DATA_SET, read_config

SPLITS = ("train", "validation", "test")
PHASES = ("early", "middle", "late")  # of a game; a data set has as many examples of each
PROTOCOLS = ("proact", "clean")  # how boards are shown, as by the planner llm
FEWEST_TOKENS = 40


@dataclass(frozen=True)
class DistillConfig:
    """A data set, resolved: everything that decides its bytes.

    `samples` counts accepted chains of all splits, whose shares are `splits` (per cent). `tokens` is the most that an answer may
    have (`planners.glad.claims.count_tokens`). `params` are those of the source of positions and its teacher.
    """

    world: str
    samples: int
    seed: int = 0
    form: str = "full"
    tokens: int = 0
    wordings: int = 0
    protocol: str = "proact"
    splits: str = "90,5,5"
    params: dict[str, Value] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def style(self) -> Style:
        """How chains are written."""
        return Style(self.form, self.tokens, self.wordings)

    @property
    def shares(self) -> tuple[int, ...]:
        """The shares of train, validation and test in per cent."""
        return tuple(int(part) for part in self.splits.split(","))


def resolve_distill(config: DistillConfig) -> DistillConfig:
    """Return `config` with all parameters filled in.

    Raises
    ------
    UsageError
        For an unknown world or parameter, or a value that makes no sense.
    """
    if config.world not in CHAINS:
        text = f"there are no chains for {config.world!r}{did_you_mean(config.world, list(CHAINS))}; legal are {', '.join(CHAINS)}"
        raise UsageError(text) if config.world in WORLDS else UnknownName(config.world, "world of chains", text)
    for name, value, legal in (("form", config.form, tuple(RANKS)), ("protocol", config.protocol, PROTOCOLS)):
        if value not in legal:
            raise UsageError(f"{name}={value} is not possible{did_you_mean(value, list(legal))}; legal: {', '.join(legal)}")
    tokens = config.tokens or TOKENS[config.form]
    if tokens < FEWEST_TOKENS:
        raise UsageError(f"{tokens} tokens are too few for a chain; at least {FEWEST_TOKENS} are needed")
    parts = [part.strip() for part in config.splits.split(",")]
    if len(parts) != len(SPLITS) or not all(part.isdecimal() for part in parts) or sum(map(int, parts)) != 100 or parts[0] == "0":
        raise UsageError(
            f"splits={config.splits} is not possible; write the shares of {', '.join(SPLITS)} in per cent, such as 90,5,5"
        )
    from importlib import import_module

    source = import_module(CHAINS[config.world])
    params = resolve_params(config.world, source.PARAMS, getattr(source, "CHOICES", {}), config.params)
    check_ranges(config.world, params, source.__doc__)
    source.check(config.world, params)
    return replace(config, tokens=tokens, splits=",".join(parts), params=params)


def saved_distill(run: RunDirectory) -> DistillConfig:
    """Return the configuration of the data set in `run`.

    Raises
    ------
    UnknownName
        If it is a run of another command.
    GameplanError
        If it is damaged or of a newer version.
    """
    found = read_config(run, DATA_SET, DistillConfig)
    if found.world not in CHAINS:
        raise GameplanError(
            f"{run.path / CONFIG} has world = {shown(found.world)}; legal are {', '.join(CHAINS)}: make the data again"
        )
    return found


def resumed_distill(run: RunDirectory, changes: dict[str, Any]) -> DistillConfig:
    """Return the configuration of the data set in `run`; `changes` may name only what it has already.

    Raises
    ------
    UsageError
        If one would make it another data set, or a program that plays for it is not named again.
    GameplanError
        If the saved configuration is of nothing that there is.
    """
    saved = saved_distill(run)
    own = own_players(str(saved.params.get("players", "")))
    if own and "players" not in changes.get("params", {}):
        raise UsageError(
            f"the data set in {run.path} has positions by a planner of its own, {own[0]}, which runs as you only if you name it "
            f"again: gameplan distill --resume {run.path} --set players='{saved.params['players']}'"
        )
    for name, value in changes.items():
        before = getattr(saved, name)
        other = differing(name, before, value)
        if other:
            raise UsageError(
                f"the data set in {run.path} has {other[0]} = {other[1]}, not {other[2]}; a resumed one keeps it: leave it "
                "out or start anew"
            )
    with blamed(run):
        return resolve_distill(saved)
