"""The evaluation that ships: empty cells and mergeable neighbours, less disorder and clutter (`games.game2048.heuristic`)."""

from solvers.rule import njit

PARAMS = {
    "base": 200000.0,
    "empty": 480.0,
    "merge": 740.0,
    "disorder": 17.4,
    "disorder_power": 3.28,
    "clutter": 13.15,
    "clutter_power": 3.16,
}


@njit
def row_value(cells, params):
    """Return the worth of a row or column."""
    empty, merges, run, last, clutter, rises, falls = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(4):
        clutter += cells[k] ** params.clutter_power
        if cells[k] == 0.0:
            empty += 1.0
        elif cells[k] == last:
            merges += 1.0 if run > 0.0 else 2.0
            run = 1.0
        else:
            last, run = cells[k], 0.0
    for k in range(3):
        step = cells[k + 1] ** params.disorder_power - cells[k] ** params.disorder_power
        rises += max(step, 0.0)
        falls += max(-step, 0.0)
    value = params.base + params.empty * empty + params.merge * merges
    return value - params.disorder * min(rises, falls) - params.clutter * clutter
