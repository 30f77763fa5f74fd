"""How strategies of a matrix game move under the dynamics that meta-strategy solvers follow.

Two players, each with a row of actions; player 0's strategy is what is drawn. The steps are those of `solvers.psro.solvers`, begun
anywhere and watched: regret matching (Hart & Mas-Colell 2000) and fictitious play (Brown 1951) as time averages, replicator
dynamics (Taylor & Jonker 1978) and their projection away from the faces (Lanctot et al. 2017) as they go, alpha-rank (Omidshafiei
et al. 2019) as the selection grows.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from games.errors import UsageError
from games.sequence_form import SequenceGame
from solvers.psro.solvers.alpharank import stationary
from solvers.psro.solvers.prd import project

STEPS = 20_000  # of RM and FP
TIME, STEP = 30.0, 0.01  # of replicator dynamics
FLOOR = 0.02  # what PRD leaves to every action here, more than in the solver so that it is seen
POPULATION = 50  # of alpha-rank
INTENSITIES = np.geomspace(1e-3, 100.0, 60)
MOST_POINTS = 400  # of a trajectory

Pair = tuple[np.ndarray, np.ndarray]


class Matrix(NamedTuple):
    """A game of one move each: `payoffs` (players, rows, columns), and what the actions of player 0 and 1 are called."""

    name: str
    payoffs: np.ndarray
    actions: tuple[tuple[str, ...], tuple[str, ...]]


def matrix_of(game: SequenceGame, names: Sequence[str]) -> Matrix:
    """Return the matrix of a game in which two players each decide once; `names` are those of all (infoset, action) pairs.

    Raises
    ------
    UsageError
        For another game.
    """
    if game.players != 2 or game.infosets != [1, 1]:
        raise UsageError(f"{game.name} is no matrix game; name one in which two players each decide once, such as matrix_rps")
    payoffs = np.zeros((2, *game.actions))
    for row, (i, j) in enumerate(game.rows.sequences.tolist()):
        payoffs[:, i - 1, j - 1] += game.rows.utility[:, row]
    cut = game.actions[0]
    return Matrix(game.name, payoffs, (tuple(names[:cut]), tuple(names[cut:])))


def is_written(text: str) -> bool:
    """Return whether `text` is meant as payoffs, not as the name of a game."""
    return "," in text and not text.strip("0123456789+-.eE,/ ")


def written_matrix(text: str) -> Matrix:
    """Return the zero-sum game whose payoffs of player 0 are written in `text`: rows apart by "/", numbers by commas.

    Raises
    ------
    UsageError
        If it is no matrix of finite numbers.
    """
    try:
        table = np.array([[float(cell) for cell in row.split(",")] for row in text.split("/")])
    except ValueError:
        table = np.empty(0)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise UsageError(f"{text!r} is no matrix; write rows apart by / and numbers by commas, such as 0,-1,1/1,0,-1/-1,1,0")
    names = tuple(tuple(f"{kind} {k + 1}" for k in range(n)) for kind, n in zip(("row", "column"), table.shape, strict=True))
    return Matrix("matrix", np.stack([table, -table]), (names[0], names[1]))


def regret_matching(matrix: Matrix, start: Pair) -> np.ndarray:
    """Return the averages (t, actions) of player 0; both begin with regrets like `start`, so small that they decide one step."""
    regrets = [1e-9 * start[0], 1e-9 * start[1]]
    sums = [np.zeros(len(x)) for x in start]

    def move(t: int) -> np.ndarray:
        played = [_positive(r) for r in regrets]
        for player, values in enumerate(_values(matrix, played)):
            sums[player] += played[player]
            regrets[player] += values - played[player] @ values
        return sums[0] / t

    return _watched(move, STEPS, start[0])


def fictitious_play(matrix: Matrix, start: Pair) -> np.ndarray:
    """Return the averages (t, actions) of player 0; everybody answers the others' average, in which `start` counts once."""
    average = [start[0].copy(), start[1].copy()]

    def move(t: int) -> np.ndarray:
        for player, values in enumerate(_values(matrix, average)):
            best = values >= values.max() - 1e-12
            average[player] += (best / best.sum() - average[player]) / (t + 1.0)
        return average[0].copy()

    return _watched(move, STEPS, start[0])


def replicator(matrix: Matrix, start: Pair) -> np.ndarray:
    """Return the way (t, actions) of player 0's strategy from `start`, in steps of Runge and Kutta's fourth order."""
    cut, at = len(start[0]), np.concatenate(start)

    def flow(joint: np.ndarray) -> np.ndarray:
        parts = [joint[:cut], joint[cut:]]
        return np.concatenate([x * (v - x @ v) for x, v in zip(parts, _values(matrix, parts), strict=True)])

    def move(t: int) -> np.ndarray:
        nonlocal at
        a = flow(at)
        b = flow(at + 0.5 * STEP * a)
        c = flow(at + 0.5 * STEP * b)
        at = at + STEP / 6.0 * (a + 2.0 * b + 2.0 * c + flow(at + STEP * c))
        return at[:cut].copy()

    return _watched(move, int(TIME / STEP), start[0], even=True)


def projected_replicator(matrix: Matrix, start: Pair) -> np.ndarray:
    """Return the way (t, actions) of player 0's strategy, every action being played at least `FLOOR` of the time."""
    parts = [start[0].copy(), start[1].copy()]
    for part in parts:
        project(part, FLOOR)

    def move(t: int) -> np.ndarray:
        for part, values in zip(parts, _values(matrix, parts), strict=True):
            part += STEP * part * (values - part @ values)
        for part in parts:
            project(part, FLOOR)
        return parts[0].copy()

    return _watched(move, int(TIME / STEP), parts[0], even=True)


def alpha_rank(matrix: Matrix, start: Pair) -> np.ndarray:
    """Return the masses (intensities, actions) of player 0's actions, from weak to strong selection; `start` plays no part."""
    payoffs = np.ascontiguousarray(matrix.payoffs.reshape(2, -1))
    sizes = np.array(matrix.payoffs.shape[1:])
    pi = np.full(payoffs.shape[1], 1.0 / payoffs.shape[1])
    masses = []
    for intensity in INTENSITIES:
        stationary(payoffs, sizes, np.ones(sizes.sum()), intensity, POPULATION, pi, 20_000, 1e-12)
        masses.append(pi.reshape(sizes).sum(axis=1))
    return np.array(masses)


DYNAMICS: dict[str, tuple[str, Callable[[Matrix, Pair], np.ndarray]]] = {  # name: its title, and the function
    "rm": ("RM, averages", regret_matching),
    "prd": ("PRD", projected_replicator),
    "rd": ("RD", replicator),
    "fp": ("FP, averages", fictitious_play),
    "alpharank": ("alpha-rank, by intensity", alpha_rank),
}


def _values(matrix: Matrix, parts: Sequence[np.ndarray]) -> Pair:
    return matrix.payoffs[0] @ parts[1], parts[0] @ matrix.payoffs[1]


def _positive(regrets: np.ndarray) -> np.ndarray:
    kept = np.maximum(regrets, 0.0)
    total = kept.sum()
    return kept / total if total > 0.0 else np.full(len(kept), 1.0 / len(kept))


def _watched(move: Callable[[int], np.ndarray], steps: int, first: np.ndarray, *, even: bool = False) -> np.ndarray:
    """Return `first` and what `move` gives at some of its `steps`: as their logarithms, or evenly, spaced."""
    times = np.linspace(1, steps, MOST_POINTS) if even else np.geomspace(1, steps, MOST_POINTS)
    kept, found = set(times.astype(int).tolist()), [first.copy()]
    for t in range(1, steps + 1):
        at = move(t)
        if t in kept:
            found.append(at)
    return np.array(found)
