"""Expectimax on the 4x4 board of 2048: bitboards, row tables, afterstates judged by `games.game2048.heuristic` or a learned value.

The heuristic says how good a board looks, and rewards do not count. A learned value (`planners.policies.look_ups`) says what can
still be gained after a board, and what was gained on the way is added to it.

How deep a line is searched depends on how probable it is: `reach` is the improbability that a line may still use up, in quarters
of a bit, and a spawn on one of n empty cells takes ``4 log2(n / 0.9)`` of it (a 4 another ``4 log2 9``). So crowded boards, where
games are lost, are searched deeper than empty ones at the same cost. Values of afterstates are kept with the depth and the reach
they were searched with, and stand in only for searches of the same depth and no more reach: what was computed on an unlikely path
never answers for a likelier one.
"""

import time
from typing import Any

import numpy as np

from games.dispatch import operation
from games.game2048.board import FULL, GAINS, SLIDES, count_cells, legal_mask, occupied, slide, spawn, transpose
from games.game2048.heuristic import worth
from games.jit import embedded, lean, njit
from planners.budget import EVALUATIONS, EXPANSIONS, HITS, TRANSITIONS, UNLIMITED, Budget, new_cost
from planners.planner import Decision
from planners.policies.look_ups import NTuple, worth_of
from planners.search.pace import Pace, conclude

QUARTERS = 4  # of a bit: the unit of reach
SPAWN = np.array([0, *(round(QUARTERS * np.log2(n / 0.9)) for n in range(1, 17))])  # reach that a spawn on n cells takes
FOUR = round(QUARTERS * np.log2(9.0))
LONGEST = 63  # most actions that a search looks ahead
MOST_REACH = 4095
GROWTH, LEAP = 2.8, 8  # by how much the reach may grow for twice the work, with room to spare, and at most

# The head of a search's memory (uint64): counters, limits, whether one stopped the search, whether a line was cut off by its reach,
# and what the table's entries are told apart and found by. Entries follow, two words each: the board; and the value (float32, the
# upper half), stamp (14 bits), depth (6 bits) and reach (12 bits).
MOVES, JUDGED, NODES, FOUND, MOST_MOVES, MOST_JUDGED, MOST_NODES, STOPPED, EDGE, STAMP, SHIFT, HEAD = range(12)
_ROW, _ONE, _ZERO = np.uint64(0xFFFF), np.uint64(1), np.uint64(0)
_RIGHT = np.uint64(1 << 16)
NO_LIMIT = np.uint64(UNLIMITED)
_NEVER = np.float32(-np.inf)


def new_memory(table: int) -> np.ndarray:
    """Return memory for searches with 2**table entries, at least 16."""
    bits = max(4, table)
    memory = np.zeros(HEAD + 2 * (1 << bits), np.uint64)
    memory[SHIFT] = 64 - bits
    return memory


def reach_of(chance: float) -> int:
    """Return the reach of a search that cuts off lines less probable than `chance`."""
    return min(MOST_REACH, round(-QUARTERS * np.log2(chance)))


@lean
def _near(a, b, c, d):
    """Return four lines, slid to their beginning, as one board."""
    return (
        np.uint64(SLIDES[a])
        | (np.uint64(SLIDES[b]) << np.uint64(16))
        | (np.uint64(SLIDES[c]) << np.uint64(32))
        | (np.uint64(SLIDES[d]) << np.uint64(48))
    )


@lean
def _far(a, b, c, d):
    """Return four lines, slid to their end, as one board."""
    return _near(_RIGHT | a, _RIGHT | b, _RIGHT | c, _RIGHT | d)


@lean
def _lines(board):
    return board & _ROW, (board >> np.uint64(16)) & _ROW, (board >> np.uint64(32)) & _ROW, board >> np.uint64(48)


@operation
def judge(judgement, board):
    """Return what `board` is worth before the spawn (float32); `judgement`: None, other lines of the heuristic, or a network."""
    return worth(board, judgement)


@judge.of(NTuple)
def _judge_learned(judgement, board):
    return worth_of(judgement, board, FULL)


@operation
def paid(judgement, worth, gain):
    """Return what is worth `worth` (float32) after a move that merged tiles of `gain`, where rewards count beside it."""
    return worth


@paid.of(NTuple)
def _paid_learned(judgement, worth, gain):
    return worth + np.float32(gain)


@lean
def _gain(a, b, c, d):
    return GAINS[a] + GAINS[b] + GAINS[c] + GAINS[d]


@lean
def _judge_move(moved, board, judgement):
    """Return the worth of `moved`, or minus infinity if the move left `board` as it was; both may be transposed."""
    return judge(judgement, moved) if moved != board else _NEVER


@lean
def _judge_state(board, judgement):
    """Return the greatest worth that one move on `board` leads to, 0 if there is none or it looks worse than the end."""
    a, b, c, d = _lines(board)
    turned = transpose(board)
    e, f, g, h = _lines(turned)
    across = max(_judge_move(_near(a, b, c, d), board, judgement), _judge_move(_far(a, b, c, d), board, judgement))
    down = max(_judge_move(_near(e, f, g, h), turned, judgement), _judge_move(_far(e, f, g, h), turned, judgement))
    return max(np.float32(0.0), max(paid(judgement, across, _gain(a, b, c, d)), paid(judgement, down, _gain(e, f, g, h))))


@lean
def _moves(board):
    """Return the boards after sliding to the left, to the right, up and down, and what the first and the last two merge."""
    a, b, c, d = _lines(board)
    e, f, g, h = _lines(transpose(board))
    to_left, to_right, up, down = _near(a, b, c, d), _far(a, b, c, d), _near(e, f, g, h), _far(e, f, g, h)
    return to_left, to_right, transpose(up), transpose(down), _gain(a, b, c, d), _gain(e, f, g, h)


@lean
def expect(board, depth, reach, memory, judgement):
    """Return the value (float32) of the afterstate `board` with `depth` >= 1 moves and `reach` >= 0 left; `memory` is mutated.

    All four moves of a state count as evaluated, whether they change it or not. All recursion is in this one function: kernels that
    call each other in a ring crash when numba reads them back from its disk cache.
    """
    place = np.uint64(HEAD) + (((board ^ (board >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)) >> memory[SHIFT]) * np.uint64(2)
    label = (memory[STAMP] << np.uint64(18)) | (np.uint64(depth) << np.uint64(12))
    data = memory[place + _ONE]
    values = memory.view(np.float32)
    if memory[place] == board and (data & np.uint64(0xFFFFF000)) == label and np.int64(data & np.uint64(0xFFF)) >= reach:
        memory[FOUND] += _ONE
        return values[np.uint64(2) * place + np.uint64(3)]
    if memory[MOVES] >= memory[MOST_MOVES] or memory[JUDGED] >= memory[MOST_JUDGED] or memory[NODES] >= memory[MOST_NODES]:
        memory[STOPPED] = _ONE
        return np.float32(0.0)
    cells = ~occupied(board) & FULL.cells
    count = count_cells(cells)
    memory[MOVES] += np.uint64(8 * count)
    memory[NODES] += np.uint64(2 * count)
    total = np.float32(0.0)
    for tile in range(2):
        left = reach - SPAWN[count] - tile * FOUR
        rest, best_sum = cells, np.float32(0.0)
        if depth == 1 or left < 0:
            memory[JUDGED] += np.uint64(4 * count)
            if depth > 1:
                memory[EDGE] = _ONE
            while rest != _ZERO:
                cell = rest & (~rest + _ONE)
                rest ^= cell
                best_sum += _judge_state(board | (cell << np.uint64(tile)), judgement)
        else:
            while rest != _ZERO:
                cell = rest & (~rest + _ONE)
                rest ^= cell
                state = board | (cell << np.uint64(tile))
                to_left, to_right, up, down, across, along = _moves(state)
                best = np.float32(0.0)
                if to_left != state:
                    best = max(best, paid(judgement, expect(to_left, depth - 1, left, memory, judgement), across))
                if to_right != state:
                    best = max(best, paid(judgement, expect(to_right, depth - 1, left, memory, judgement), across))
                if up != state:
                    best = max(best, paid(judgement, expect(up, depth - 1, left, memory, judgement), along))
                if down != state:
                    best = max(best, paid(judgement, expect(down, depth - 1, left, memory, judgement), along))
                best_sum += best
        total += (np.float32(0.1) if tile else np.float32(0.9)) * best_sum
    mean = total / np.float32(count)
    if memory[STOPPED] == _ZERO:
        memory[place] = board
        memory[place + _ONE] = label | np.uint64(reach)
        values[np.uint64(2) * place + np.uint64(3)] = mean
    return mean


@embedded
def _search(board, depth, reach, memory, values, judgement):
    """Write the values of the four moves, minus infinity if illegal, to `values`; return the best, the first of equals."""
    best = -1
    for direction in range(4):
        after, gain = slide(board, direction, FULL)
        values[direction] = _NEVER
        if after != board:
            if depth == 1:
                values[direction] = judge(judgement, after)
                memory[MOVES] += _ONE
                memory[JUDGED] += _ONE
            else:
                values[direction] = expect(after, depth - 1, reach, memory, judgement)
            values[direction] = paid(judgement, values[direction], gain)
            if best < 0 or values[direction] > values[best]:
                best = direction
    return best


@embedded
def _distinct(board):
    """Return how many different tiles are on the board."""
    seen, count = np.int64(0), 0
    while board != _ZERO:
        seen |= np.int64(1) << np.int64(board & np.uint64(15))
        board = board >> np.uint64(4)
    seen &= ~1
    while seen:
        seen &= seen - 1
        count += 1
    return count


@embedded
def _depth(board, depth):
    """Return the depth to search to: `depth`, or if it is 0 what the board calls for, as many plies as it has kinds of tiles."""
    return depth if depth > 0 else max(4, _distinct(board) - 1)


@embedded
def _room(memory, before, limits):
    """Return how many times the work done since the counters were at `before` (3) still fits into the `limits`."""
    room = np.inf
    for k in range(3):
        work = np.float64(memory[k]) - np.float64(before[k])
        room = min(room, (np.float64(limits[k]) - np.float64(memory[k])) / max(1.0, work))
    return room


@njit
def search(board, depth, reach, limits, memory, values, judgement=None):
    """Write the values of the four moves to `values` (float32, minus infinity if illegal); return the best.

    `depth` 0 stands for what the board calls for. Without `limits` on moves, judgements and nodes (uint64) there is one search of
    this `reach`. With them the reach grows from 0, each time by as much as seems to fit into what is left; a search that does not
    end within the limits does not count, but that of depth 1 always does. The counters of `memory` are those of this search
    afterwards.
    """
    memory[:MOST_MOVES] = _ZERO
    memory[MOST_MOVES:STOPPED] = NO_LIMIT
    memory[STOPPED] = _ZERO
    memory[STAMP] = (memory[STAMP] + _ONE) & np.uint64(0x3FFF)
    if memory[STAMP] == _ZERO:
        memory[HEAD:] = _ZERO
    depth = depth if depth > 0 else max(4, _distinct(board) - 1)
    if limits[0] == NO_LIMIT and limits[1] == NO_LIMIT and limits[2] == NO_LIMIT:
        return _search(board, depth, reach, memory, values, judgement)
    best = _search(board, 1, 0, memory, values, judgement)
    if depth == 1:
        return best
    memory[MOST_MOVES:STOPPED] = limits
    before, found, reach = np.empty(3, np.uint64), np.empty(4, np.float32), 0
    while True:
        before[:] = memory[:FOUND]
        memory[EDGE] = _ZERO
        move = _search(board, depth, reach, memory, found, judgement)
        if memory[STOPPED] != _ZERO:
            return best
        best = move
        values[:] = found
        room = _room(memory, before, limits)
        if memory[EDGE] == _ZERO or room < 2.0 or reach == MOST_REACH:
            return best
        reach = min(MOST_REACH, reach + min(LEAP, np.int64(GROWTH * np.log2(room))))


@njit
def play_game(board, depth, reach, limits, memory, rng, judgement=None):
    """Return (score, moves, last board, transitions) of a game played to its end from `board`; `rng` spawns the tiles."""
    values, score, moves, transitions = np.empty(4, np.float32), np.int64(0), 0, _ZERO
    while legal_mask(board, FULL) != 0:
        move = search(board, depth, reach, limits, memory, values, judgement)
        board, gain = slide(board, move, FULL)
        board = spawn(board, FULL, rng)
        score += gain
        moves += 1
        transitions += memory[MOVES]
    return score, moves, board, np.int64(transitions)


def is_of_afterstates(value: Any) -> bool:
    """Return whether a learned value is one that this search can use."""
    return isinstance(value, NTuple) and value.afterstates != 0.0


def in_base_two(value: NTuple | None, scale: float) -> NTuple | None:
    """Return `value`, in rewards that are `scale` times the tiles merged in base 2, without that factor: as the search counts."""
    return value if value is None or scale == 1.0 else value._replace(weights=value.weights / np.float32(scale))


class Expectimax2048:
    """The engine that `planners.search.expectimax.Expectimax` uses on the 4x4 board."""

    def __init__(self, depth: int, table: int, chance: float, judgement: NTuple | None = None) -> None:
        self._depth, self._reach, self._memory = min(depth, LONGEST), reach_of(chance), new_memory(table)
        self._judgement = judgement
        self.pace = Pace()

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """Return the decision in `state`; see `planners.planner.Planner`."""
        limit, _ = self.pace.limits(budget)
        limits = limit[[TRANSITIONS, EVALUATIONS, EXPANSIONS]].astype(np.uint64)
        values = np.empty(4, np.float32)
        depth = self._depth if steps_left is None or steps_left > LONGEST else min(self._depth or LONGEST, steps_left)
        begin = time.perf_counter()
        search(state.view(np.uint64)[0], depth, self._reach, limits, self._memory, values, self._judgement)
        self.pace.learn(int(self._memory[MOVES]), time.perf_counter() - begin)
        cost = new_cost()
        cost[[TRANSITIONS, EVALUATIONS, EXPANSIONS, HITS]] = self._memory[:MOST_MOVES]
        actions = np.flatnonzero(values > _NEVER)
        if not len(actions):
            return Decision(None, cost, note="no legal action")
        return conclude(actions, values[actions].astype(np.float64), cost, limit)
