"""Learning values of afterstates in the 2048 family while playing: several games side by side, greedy, without exploration.

After every move the value of the afterstate before it is moved towards ``reward + value of the new afterstate`` (0 at the end of a
game). What one weight does with the error is the method's (`adjust`); `planners.learning.methods` has them.

The games are played in turn, a move each: while one waits for the weights that its next move needs, the others compute. The weights
of an afterstate are found once, when it comes up, and kept for its update.

Parameters
----------
restart : moves of a stretch, at whose ends boards are kept that later games begin with; at least 1, or 0: all games begin anew
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from games.dispatch import operation
from games.errors import UsageError
from games.game2048.board import slide, spawn
from games.game2048.model import shape_of
from games.jit import inlined, lean_njit
from games.params import Value
from games.random import below, stream
from games.world import Instance
from planners.learning.learner import Diverged
from planners.policies import ntuple
from planners.policies.catalogue import VALUE, Learned
from planners.policies.look_ups import NTuple, worth_at, write_places

PARAMS: dict[str, Value] = {"restart": 0}
SMALLEST = "2048-2x2"  # the world in which a learner is tried
STRETCHES = 16
ROUNDS = 1 << 14  # of an update: moves in every lane
LANES = 4  # games side by side: part of what a seed means
KEPT = 256  # boards that are kept of each stretch of a game to begin again from
RECENT = 1000  # whole games whose mean score is told
GAMES, SCORES, MOVES = range(3)  # of finished whole games: their number and the sum of their scores; of all games: moves
_ZERO = np.float32(0.0)


class Desk(NamedTuple):
    """The games under way, one a lane, and boards to begin games from.

    Attributes
    ----------
    places : array (lanes, 5 x look-ups, uint32)
        The rows of the weights of each of the four next afterstates and, last, of the one before.
    afters, gains : arrays (lanes, 4)
        The next afterstates, and the tiles merged on the way (base 2).
    legal : array (lanes)
        A bit for each legal direction; none before a game.
    begun, moves, scores : arrays (lanes)
        At which move the game began (0: from the start), the moves and the score up to now (base 2).
    kept : array (stretches, KEPT, uint64)
        Boards that stood after `span`, 2 span, ... moves; `kept_counts` (stretches) says how many were ever put there.
    turn : array (1)
        With which stretch the next game begins.
    span : int
    recent : array (RECENT)
        The scores of the last whole games.
    totals : array (3)
        See above.
    """

    places: np.ndarray
    afters: np.ndarray
    gains: np.ndarray
    legal: np.ndarray
    begun: np.ndarray
    moves: np.ndarray
    scores: np.ndarray
    kept: np.ndarray
    kept_counts: np.ndarray
    turn: np.ndarray
    span: int
    recent: np.ndarray
    totals: np.ndarray


def new_desk(network: NTuple, span: int = 0, stretches: int = 0) -> Desk:
    """Return a desk whose games begin with the next round; those after the first also from late boards if there are `stretches`."""
    places, kept = np.zeros((LANES, 5 * network.reads), np.uint32), np.zeros((stretches, KEPT), np.uint64)
    afters, gains = np.zeros((LANES, 4), np.uint64), np.zeros((LANES, 4), np.float32)
    legal, begun, moves, scores = (np.zeros(LANES, np.int64) for _ in range(4))
    counts, turn = np.zeros(stretches, np.int64), np.zeros(1, np.int64)
    recent, totals = np.zeros(RECENT), np.zeros(3)
    return Desk(places, afters, gains, legal, begun, moves, scores, kept, counts, turn, max(1, span), recent, totals)


@operation
def adjust(rule, weights, rows, begin, end, error):
    """Change the weights in ``rows[begin:end]``, the look-ups of one board, after the `error` (float32) of its value."""
    raise NotImplementedError


@inlined
def _look(network, desk, lane, board, shape):
    """Find the moves on `board` and the weights of what they lead to."""
    desk.legal[lane] = 0
    for direction in range(4):
        after, gain = slide(board, direction, shape)
        if after != board:
            desk.legal[lane] |= 1 << direction
            desk.afters[lane, direction] = after
            desk.gains[lane, direction] = gain
            write_places(network, after, shape, desk.places[lane], direction * network.reads)


@inlined
def _start(desk, lane, shape, rng):
    """Return the board that the next game of a lane begins with: stretches take turns, the start of a game among them."""
    stretch = desk.turn[0]
    desk.turn[0] = stretch + 1 if stretch < len(desk.kept_counts) and desk.kept_counts[stretch] > 0 else 0
    desk.moves[lane] = desk.begun[lane] = stretch * desk.span
    desk.scores[lane] = 0
    if stretch == 0:
        return spawn(spawn(np.uint64(0), shape, rng), shape, rng)
    return desk.kept[stretch - 1, below(rng, min(desk.kept_counts[stretch - 1], KEPT))]


@inlined
def _keep(desk, lane, board):
    """Keep `board` if its game has come to the end of a stretch."""
    stretch = desk.moves[lane] // desk.span
    if stretch * desk.span == desk.moves[lane] and 0 < stretch <= len(desk.kept_counts):
        desk.kept[stretch - 1, desk.kept_counts[stretch - 1] % KEPT] = board
        desk.kept_counts[stretch - 1] += 1


@lean_njit
def train(rule, network, desk, model, rounds, rng):
    """Play `rounds` moves in every lane and learn from them; `network`, `desk` and `rng` are mutated."""
    shape, scale = shape_of(model), np.float32(model.scale)
    reads = network.reads
    for _ in range(rounds):
        for lane in range(LANES):
            best, top = -1, _ZERO
            for direction in range(4):
                if desk.legal[lane] >> direction & 1:
                    value = scale * desk.gains[lane, direction] + worth_at(network, desk.places[lane], direction * reads)
                    if best < 0 or value > top:
                        best, top = direction, value
            if desk.moves[lane] > desk.begun[lane]:
                rows = desk.places[lane]
                error = top - worth_at(network, rows, 4 * reads)
                adjust(rule, network.weights, rows, 4 * reads, 5 * reads, error)
            if best < 0:
                if desk.moves[lane] > 0 and desk.begun[lane] == 0:
                    score = scale * np.float64(desk.scores[lane])
                    desk.recent[np.int64(desk.totals[GAMES]) % RECENT] = score
                    desk.totals[GAMES] += 1.0
                    desk.totals[SCORES] += score
                board = _start(desk, lane, shape, rng)
            else:
                for k in range(reads):
                    desk.places[lane, 4 * reads + k] = desk.places[lane, best * reads + k]
                desk.moves[lane] += 1
                desk.totals[MOVES] += 1.0
                desk.scores[lane] += np.int64(desk.gains[lane, best])
                board = spawn(desk.afters[lane, best], shape, rng)
                _keep(desk, lane, board)
            _look(network, desk, lane, board, shape)


class AfterstateLearner:
    """A `planners.learning.learner.Learner` of the values of afterstates.

    Parameters
    ----------
    rule : record
        The method with its parameters: has ``rate`` and an implementation of `adjust`.
    channels : int
        Numbers that the method keeps of a weight, itself the first.
    instance : Instance
        Of a world of the 2048 family.
    params : mapping
        Of the network, `planners.policies.ntuple.PARAMS`.
    restart : int
        See `PARAMS`.
    seed : int
    """

    unit = "times 65,536 moves"
    expansions = 0

    def __init__(
        self, rule: Any, channels: int, instance: Instance, params: Mapping[str, Any], restart: int, seed: int
    ) -> None:  # fmt: skip
        self.updates = 0
        self._rule, self._params, self._model = rule, dict(params), instance.model
        self._network = ntuple.make(instance, **params, channels=channels)
        self._desk = new_desk(self._network, restart, STRETCHES if restart else 0)
        self._rng = stream("learning", seed)
        train(rule, self._network, self._desk, self._model, 0, self._rng)  # compile before a clock runs

    @property
    def environment_steps(self) -> int:
        """Moves of all games."""
        return int(self._desk.totals[MOVES])

    def advance(self) -> None:
        """See `planners.learning.learner.Learner`."""
        train(self._rule, self._network, self._desk, self._model, ROUNDS, self._rng)
        self.updates += 1
        if not np.isfinite(self._network.weights[self._desk.places.ravel()]).all():
            raise Diverged("weights are not finite; choose a smaller rate")

    def figures(self) -> dict[str, float]:
        """See `planners.learning.learner.Learner`."""
        games = int(self._desk.totals[GAMES])
        score = self._desk.recent[: min(games, RECENT)]
        return {"score": float(score.mean()) if games else np.nan, "episodes": float(games)}

    def state(self) -> dict[str, np.ndarray]:
        """See `planners.learning.learner.Learner`."""
        arrays = {f"desk/{name}": array.copy() for name, array in self._arrays().items()}
        return {**arrays, **ntuple.state(self._network), "rng": self._rng.copy()}

    def restore(self, updates: int, arrays: dict[str, np.ndarray]) -> None:
        """See `planners.learning.learner.Learner`."""
        for name, array in self._arrays().items():
            array[...] = arrays[f"desk/{name}"]
        self._rng[:] = arrays["rng"]
        ntuple.restore(self._network, arrays)
        self.updates = updates

    def learned(self) -> tuple[Learned, ...]:
        """See `planners.learning.learner.Learner`."""
        weights = np.ascontiguousarray(self._network.weights[:, :1])
        return (Learned(VALUE, "ntuple", self._params, self._network._replace(weights=weights)),)

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: array for name, array in self._desk._asdict().items() if name != "span"}


def make(
    name: str, rule: Any, channels: int, instance: Instance, value_params: Mapping[str, Any], restart: int, seed: int
) -> AfterstateLearner:
    """Return a learner at its beginning; `name` is that of the method.

    Raises
    ------
    UsageError
        For a rate or restart that is not possible, or a world of another family.
    """
    if not 0.0 < rule.rate <= 10.0:
        raise UsageError(f"{name}: rate={rule.rate} is not possible; legal: above 0, up to 10")
    if restart < 0:
        raise UsageError(f"{name}: restart={restart} is negative; 0 means that all games begin anew")
    return AfterstateLearner(rule, channels, instance, value_params, restart, seed)
