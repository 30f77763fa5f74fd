"""What the files of a run hold, key by key: the kinds by which every one of them is read.

The schema is that of ``config.json``, for all files of its directory. Schema 1 (version 0.1.0) had no digests. A reader knows its
own schema and all before it.
"""

import hashlib
import json
from dataclasses import fields
from typing import Any, TypeVar

from games.errors import GameplanError, did_you_mean
from games.reading import (
    Kind,
    Mismatch,
    flag,
    listed,
    number,
    optional,
    record,
    scalar,
    shown,
    table,
    text,
    whole,
)
from planners.status import STATUSES

Config = TypeVar("Config")

YOUNGER = {"younger": True}  # metadata of a configuration's field that came after its schema: runs before had the default
SCHEMA = 2
POPULATION = "population_exploitability"  # of a PSRO run that measures it
OLDEST = 1

_COUNT, _SECONDS = whole(0), number(0.0)
_SCHEMA: dict[str, Kind] = {"schema": whole(OLDEST)}
_PROBABILITIES = listed(listed(number()))

SOLVE_CONFIG = record({
    **_SCHEMA, "game": text(), "algo": text(), "iterations": optional(whole(1)), "params": table(scalar), "train": optional(text()),
    "eval": optional(text()), "programs": table(text()), "updates": text(("alternating", "simultaneous")),
    "every": optional(whole(1)), "target": optional(_SECONDS), "time_limit": optional(_SECONDS), "seed": whole(),
    "threads": whole(1), "max_histories": whole(1),
}, {
    "max_memory": optional(whole(1)), "iterate": optional(text()), "jitter": number(0.0), "gaps": optional(flag),
    **dict.fromkeys(("lock", "lock_infosets"), optional(text())), "lock_player": optional(whole(0)),
    "lock_probability": optional(number(0.0)),
})  # fmt: skip

PLAN_CONFIG = record({
    **_SCHEMA, "env": text(), "planner": text(), "episodes": _COUNT, "seed": whole(), "world": table(scalar),
    "params": table(scalar), **dict.fromkeys(("simulations", "evaluations", "expansions", "steps"), optional(whole(1))),
    **dict.fromkeys(("time_per_move", "time_limit"), optional(_SECONDS)), "units": optional(listed(listed(whole()))),
}, {"programs": table(text()), "protocol": optional(text()), "beside": optional(text())})  # fmt: skip
TURN = record({"episode": _COUNT, "turn": _COUNT, "reward": optional(number()), "tokens_in": _COUNT, "tokens_out": _COUNT})


def _metric(value: Any, place: str) -> None:
    _METRIC(value, place)
    scale = max(1.0, *map(abs, value["values"]), 0.0)
    for key in ("exploitability", "nash_conv"):
        if value[key] < -1e-6 * scale:  # rounding may leave a little below zero
            raise Mismatch(key, value[key], "a finite number from 0 on")


_METRIC = record(
    {"iteration": whole(1), "exploitability": number(), "nash_conv": number(), "values": listed(number())},
    {
        "train": _PROBABILITIES,
        "eval": _PROBABILITIES,
        "support": listed(_COUNT),
        POPULATION: number(),
        "lambda": number(),
        "residual": number(),
        "floor": number(0.0),
        "cce_gap": number(0.0),
        "ce_gap": number(),
        "nodes": _COUNT,
    },
)
METRIC: Kind = _metric
REMARKS = record(  # of PSRO
    {"train": _PROBABILITIES, "eval": _PROBABILITIES, "support": listed(_COUNT)}, {POPULATION: number()}, others=None
)
TIME = record({"iteration": whole(1), "seconds": _SECONDS}, {"digest": text()})

MARKS = record({}, others=lambda value, place: listed(scalar)(value, place) if isinstance(value, list) else scalar(value, place))
EPISODE = record(
    {
        "episode": _COUNT, "instance": text(), "seed": whole(), "score": number(), "solved": optional(flag),
        "status": text(STATUSES), "steps": _COUNT,
        "return": number(), "decisions": _COUNT, "cost": table(_COUNT), "actions": listed(whole()),
        "units": listed(whole()),
    },
    {
        "note": text(), "fallbacks": _COUNT, "marks": MARKS, "report": table(scalar), "solution": optional(text()),
    },
)  # fmt: skip
EPISODE_TIME = record({"episode": _COUNT, "seconds": _SECONDS, "cpu_seconds": _SECONDS}, {"digest": text()})

LOCK = record({
    "policy": text(), "player": whole(0), "pattern": optional(text()), "probability": number(0.0), "infosets": whole(1),
    **dict.fromkeys(("exploitability", "nash_conv"), number()),
    **dict.fromkeys(("wins", "values", "best_responses"), listed(number())),
})  # fmt: skip
SOLVE_RESULT = record(
    {
        **_SCHEMA, "command": text(("solve",)), "game": text(), "algo": text(), "iterations": whole(0), "exploitability": number(),
        "nash_conv": number(), "values": listed(number()), "seconds": _SECONDS, "status": text(), "run": text(),
    },
    {
        "total_seconds": _SECONDS, "digest": text(), "iterate": text(), "best_iteration": whole(0), POPULATION: number(),
        "lock": LOCK,
    },
)  # fmt: skip
DISTILL_CONFIG = record({
    **_SCHEMA, "world": text(), "samples": whole(1), "seed": whole(0), "form": text(), "tokens": whole(1), "wordings": whole(0),
    "protocol": text(), "splits": text(), "params": table(scalar),
})  # fmt: skip
_COUNTS = table(_COUNT)
PROGRESS = record({"games": _COUNT, **dict.fromkeys(("accepted", "rejected", "lines", "idle", "sizes"), _COUNTS)})  # of a data set

TRAIN_CONFIG = record({
    **_SCHEMA, **dict.fromkeys(("env", "method", "policy", "value", "init"), text()),
    **dict.fromkeys(("world", "params", "policy_params", "value_params"), table(scalar)), "programs": table(text()),
    "updates": _COUNT, "steps": _COUNT, "time_limit": optional(_SECONDS), "seed": whole(0), "episodes": whole(1),
})  # fmt: skip
LEARNING = record(
    {"update": whole(1), "environment_steps": _COUNT, "expansions": _COUNT}, others=lambda v, place: number()(v, place)
)
UPDATE_TIME = record({"update": whole(1), "seconds": _SECONDS, "cpu_seconds": _SECONDS}, {"digest": text()})

LANGUAGE_CONFIG = record({
    **_SCHEMA, **dict.fromkeys(("data", "target", "world", "digest"), text()),
    **dict.fromkeys(("epochs", "batch", "layers", "width", "heads", "context"), whole(1)), "rate": _SECONDS, "decay": _SECONDS,
    "seed": whole(0), "games": _COUNT, "temperature": _SECONDS,
})  # fmt: skip

_STATISTIC = optional(number())
_GAMES = {"mean": _STATISTIC, "standard_error": _STATISTIC, "episodes": _COUNT}
_PLAYED = record(_GAMES, {"world": text(), "beside": table(record(_GAMES))})  # games of a language model
LANGUAGE_RESULT = record({
    **_SCHEMA, "command": text(("train-lm",)), "world": text(), "target": text(), "epochs": whole(1), "seed": whole(0),
    **dict.fromkeys(("weights", "texts", "updates", "tokens"), _COUNT), "loss": _STATISTIC, "validation_loss": _STATISTIC,
    "score": _PLAYED, "seconds": _SECONDS, "cpu_seconds": _SECONDS, "status": text(), "run": text(),
}, {"total_seconds": _SECONDS, "digest": text()})  # fmt: skip
TRAIN_RESULT = record({
    **_SCHEMA, "command": text(("train",)), "world": text(), "method": text(), "policy": text(), "params": table(scalar),
    "seed": whole(0), "updates": _COUNT, "environment_steps": _COUNT, "expansions": _COUNT, "score": table(_STATISTIC),
    "optimum": _STATISTIC, "seconds": _SECONDS, "cpu_seconds": _SECONDS, "status": text(), "problem": text(), "run": text(),
}, {"total_seconds": _SECONDS, "digest": text()})  # fmt: skip
DISTILL_RESULT = record({
    **_SCHEMA, "command": text(("distill",)), "world": text(), "seed": whole(0), "samples": whole(1), "accepted": _COUNT,
    **dict.fromkeys(("splits", "phases", "rejected"), _COUNTS), "games": _COUNT, "tokens": table(_STATISTIC), "status": text(),
    "run": text(), "seconds": _SECONDS, "cpu_seconds": _SECONDS,
}, {"digest": text()})  # fmt: skip
PLAN_RESULT = record(
    {
        **_SCHEMA, "command": text(("plan",)), "env": text(), "planner": text(), "played": _COUNT, "decisions": _COUNT,
        "cost": table(_STATISTIC), "seconds": _SECONDS, "status": text(), "run": text(), "solved": optional(_COUNT),
        **dict.fromkeys(("mean", "standard_error", "min", "median", "max"), _STATISTIC),
    },
    {
        "unlimited": listed(text()), "total_seconds": _SECONDS, "digest": text(), "columns": listed(text()),
        "summary": table(text()),
    },
)  # fmt: skip


def by_command(solve: Kind, **others: Kind) -> Kind:
    """Return the kind of a record that is of one of `others` if it has the key of its name, and of `solve` otherwise."""

    def check(value: Any, place: str) -> None:
        kinds = [kind for key, kind in others.items() if isinstance(value, dict) and key in value]
        (kinds[0] if kinds else solve)(value, place)

    return check


ANY_CONFIG = by_command(SOLVE_CONFIG, planner=PLAN_CONFIG, splits=DISTILL_CONFIG, method=TRAIN_CONFIG, epochs=LANGUAGE_CONFIG)
ANY_RESULT = by_command(SOLVE_RESULT, planner=PLAN_RESULT, samples=DISTILL_RESULT, method=TRAIN_RESULT, epochs=LANGUAGE_RESULT)
RESULTS: dict[str, Kind] = {  # by `workbench.runs.kinds.RunKind.key`
    "": SOLVE_RESULT, "planner": PLAN_RESULT, "splits": DISTILL_RESULT, "method": TRAIN_RESULT, "epochs": LANGUAGE_RESULT,
}  # fmt: skip


def check_schema(where: object, found: Any, known: int = SCHEMA, oldest: int = OLDEST) -> None:
    """Check that this version reads files of the schema `found`.

    Raises
    ------
    GameplanError
        Saying which version is needed.
    """
    if isinstance(found, bool) or not isinstance(found, int) or found < oldest:
        raise GameplanError(
            f"{where} has schema {found!r}; this version reads {oldest} to {known}: put the file back, or run again"
        )
    if found > known:
        raise GameplanError(
            f"{where} has schema {found}, this version reads up to {known}: it was made by a newer gameplan; use that"
        )


def differing(name: str, before: Any, value: Any) -> tuple[str, Any, Any] | None:
    """Return (name, saved, given) of what a setting given anew has other than the saved one, of a table its first such entry."""
    if not isinstance(before, dict):
        return None if value == before else (name, before, value)
    return next(((key, before.get(key), new) for key, new in value.items() if str(before.get(key)) != str(new)), None)


def digest_of(*parts: Any) -> str:
    """Return a digest of JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def from_saved(kind: type[Config], saved: dict[str, Any], path: object) -> Config:
    """Return the configuration that ``dataclasses.asdict`` made `saved` of, perhaps in an earlier version.

    Raises
    ------
    GameplanError
        For a key that is not known, or one that is missing though this schema has it. Keys that are None by default, or marked with
        `YOUNGER`, may be younger than the file.
    """
    known = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    later = [f.name for f in fields(kind) if f.default is None or f.metadata.get("younger")]  # type: ignore[arg-type]
    for key in saved:
        if key not in known:
            raise GameplanError(f"{path} has the unknown key {shown(key)}{did_you_mean(key, known)}; take it out, or run again")
    for key in known:
        if key not in saved and key not in later and saved["schema"] == SCHEMA:
            raise GameplanError(f"{path} is damaged: the key {key!r} is missing; remove the directory and run again")
    return kind(**{**saved, "schema": SCHEMA})
