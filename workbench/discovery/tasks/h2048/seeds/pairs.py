"""Empty cells, and neighbours that are equal or close: a skeleton with a term for every cell and one for every pair."""

from solvers.rule import njit

PARAMS = {"base": 100.0, "empty": 10.0, "equal": 10.0, "step": 1.0}


@njit
def row_value(cells, params):
    """Return the worth of a row or column."""
    value = params.base
    for k in range(4):
        value = value + (params.empty if cells[k] == 0.0 else 0.0)
    for k in range(3):
        here, beside = cells[k], cells[k + 1]
        value = value + (params.equal if here == beside else 0.0) - params.step * abs(here - beside)
    return value
