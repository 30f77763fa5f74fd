"""Learning values of afterstates in the 2048 family while playing: several games side by side, greedy, without exploration.

After every move the value of the afterstate before it is moved towards ``reward + value of the new afterstate`` (0 at the end of a
game). What one weight does with the error is the method's (`adjust`); `planners.learning.methods` has them.

The games are played in turn, a move each: while one waits for the weights that its next move needs, the others compute. The weights
of an afterstate are found once, when it comes up, and kept for its update.
"""

from typing import NamedTuple

import numpy as np

from games.dispatch import operation
from games.game2048.board import slide, spawn
from games.game2048.model import shape_of
from games.jit import inlined, lean_njit
from games.random import below
from planners.policies.look_ups import NTuple, worth_at, write_places

LANES = 4  # games side by side: part of what a seed means
KEPT = 256  # boards that are kept of each stretch of a game to begin again from
GAMES, SCORES, SQUARES, MOVES = range(4)  # of finished whole games: number, sums of scores and their squares; of all games: moves
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
    totals : array (4)
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
    totals: np.ndarray


def new_desk(network: NTuple, span: int = 0, stretches: int = 0) -> Desk:
    """Return a desk whose games begin with the next round; those after the first also from late boards if there are `stretches`."""
    places, kept = np.zeros((LANES, 5 * network.reads), np.uint32), np.zeros((stretches, KEPT), np.uint64)
    afters, gains = np.zeros((LANES, 4), np.uint64), np.zeros((LANES, 4), np.float32)
    legal, begun, moves, scores = (np.zeros(LANES, np.int64) for _ in range(4))
    counts, turn = np.zeros(stretches, np.int64), np.zeros(1, np.int64)
    return Desk(places, afters, gains, legal, begun, moves, scores, kept, counts, turn, max(1, span), np.zeros(4))


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
                    desk.totals[GAMES] += 1.0
                    desk.totals[SCORES] += score
                    desk.totals[SQUARES] += score * score
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
