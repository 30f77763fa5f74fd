"""When a run is evaluated: ten times a decade, or each so many iterations, and at its end."""

from workbench.solving.config import SolveConfig


def is_evaluated(t: int, config: SolveConfig) -> bool:
    """Return whether iteration `t` is evaluated: the last one always, the others by `every` or on a grid of 10 a decade."""
    return t == config.iterations or on_grid(t, config)


def on_grid(t: int, config: SolveConfig) -> bool:
    """Return whether iteration `t` is evaluated however long the run is."""
    if config.every is not None:
        return t % config.every == 0 or t == 1
    return t in _grid(len(str(t)))


def grid_before(stop: int, config: SolveConfig) -> list[int]:
    """Return the iterations before `stop` that every run evaluates, however long it is."""
    if config.every is not None:
        return sorted({1, *range(config.every, stop, config.every)}) if stop > 1 else []
    return sorted(t for digits in range(1, len(str(stop)) + 1) for t in _grid(digits) if t < stop)


def _grid(digits: int) -> set[int]:
    """Return the grid points of one decade; 1, 2, 5, 10, 20, 50 ... are among them."""
    base = 10 ** (digits - 1)
    steps = (1, 2, 3, 4, 5, 6, 7, 8, 9) if digits == 1 else (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
    return {round(step * base) for step in steps}


def next_evaluation(t: int, config: SolveConfig) -> int:
    """Return the first evaluated iteration after `t`."""
    t += 1
    while not is_evaluated(t, config):
        t += 1
    return t
