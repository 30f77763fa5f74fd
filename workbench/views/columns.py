"""What runs have measured, as flat rows for other programs: policies, metrics, tables of comparisons."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from games.errors import GameplanError, UsageError
from games.reading import anything
from workbench.runs import formats
from workbench.runs.directory import EPISODES, LEARNING, METRICS, TIMING, RunDirectory
from workbench.views.policy import PolicyView
from workbench.views.runs import COMPARE, PLAN, PSRO, SOLVE, TABLE, TRAIN, TRAIN_LM, look

_LONG = ("actions", "units", "train", "eval", "support", "report", "statuses", "runs", "scores", "metrics")  # no single numbers
_LINES: dict[str, tuple[str, str, Any]] = {  # kind: file of lines, what counts them, kind of its clock
    SOLVE: (METRICS, "iteration", formats.TIME), PSRO: (METRICS, "iteration", formats.TIME),
    PLAN: (EPISODES, "episode", formats.EPISODE_TIME),
    TRAIN: (LEARNING, "update", formats.UPDATE_TIME), TRAIN_LM: (LEARNING, "update", formats.UPDATE_TIME),
}  # fmt: skip


def policy_columns(view: PolicyView) -> dict[str, Any]:
    """Return a policy as columns, a row for every (infoset, action) pair of all players, in the order of the game.

    ``player, infoset, label, action, name, probability, reach, own_reach, others_reach, value, regret``; see
    `workbench.views.policy.InfosetRow`.
    """
    game = view.game
    count = game.tree.count.astype(np.int64)
    infosets = [name for names in game.infoset_names for name in names]
    labels = [label for own in view.labels for label in own]
    owner = np.repeat(np.arange(len(count)), count)
    own, others = view.own_reach, view.others_reach
    return {
        "player": np.repeat(np.arange(game.players), game.actions),
        "infoset": [infosets[k] for k in owner.tolist()],
        "label": [labels[k] for k in owner.tolist()],
        "action": game.action_ids,
        "name": view.action_names,
        "probability": view.policy,
        "reach": (own * others)[owner],
        "own_reach": own[owner],
        "others_reach": others[owner],
        "value": view.values,
        "regret": view.regrets,
    }


def metric_rows(path: Path) -> list[dict[str, Any]]:
    """Return what the run in `path` has measured on its way, flat, with the seconds of its clock.

    Iterations of solvers (``values`` as ``value_0, value_1 ...``), episodes of planners, updates of what learns.

    Raises
    ------
    UsageError
        If runs of its kind measure nothing on their way, or this one has not yet.
    """
    kind = look(path).kind
    if kind not in _LINES:
        instead = "say --what table" if kind == COMPARE else f"'gameplan show {path}' says what came of it"
        raise UsageError(f"{path} is a run of {kind}, which keeps no metrics; {instead}")
    name, key, clock = _LINES[kind]
    run = RunDirectory(path)
    lines = list(run.read_lines(name))
    if not lines:
        raise UsageError(f"{path} has no finished {key} yet; 'gameplan show {path}' says how far it is")
    clocks = {line[key]: line for line in run.read_lines(TIMING, clock)}
    shown = [c for c in ("seconds", "cpu_seconds") if any(c in line for line in clocks.values())]
    return [{**_flat(line), **{c: clocks.get(line[key], {}).get(c) for c in shown}} for line in lines]


def table_rows(path: Path) -> list[dict[str, Any]]:
    """Return the table of the comparison in `path`: a row for every game and algorithm, or world and planner or method.

    Raises
    ------
    UsageError
        If it is no comparison, or has no table yet.
    GameplanError
        If the table is damaged.
    """
    if look(path).kind != COMPARE or not (path / TABLE).is_file():
        raise UsageError(f"{path} is no finished comparison; 'gameplan compare' makes one")
    table = RunDirectory(path).read_json(TABLE, anything)
    try:
        if "cells" in table:
            return [
                {"game": game, "algorithm": algo, **_flat(cell)}
                for game, row in table["cells"].items()
                for algo, cell in row.items()
            ]
        return [_flat(row) for row in table["rows"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise GameplanError(f"{path / TABLE} is no table of a comparison; run the comparison again") from error


def _flat(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as one row: tables inside by their keys, values of players numbered, long lists left out."""
    row: dict[str, Any] = {}
    for name, value in line.items():
        if name in _LONG:
            continue
        if isinstance(value, Mapping):
            row |= {f"{name}.{key}": entry for key, entry in value.items() if not isinstance(entry, Mapping | list)}
        elif isinstance(value, list):
            row |= {f"{name.removesuffix('s')}_{k}": entry for k, entry in enumerate(value)} if name == "values" else {}
        else:
            row[name] = value
    return row
