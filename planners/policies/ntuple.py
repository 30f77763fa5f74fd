"""N-tuple networks as policies and values: records of `planners.policies.look_ups` for the worlds of the 2048 family.

As a value of *afterstates*, the boards after the slide and before the spawn, a state is worth its best move's reward plus the value
of what that leads to, and a policy prefers moves by the same sum over the temperature. Otherwise a network is any function of a
board: of the afterstate where it is a policy, of the state itself where it is a value.

Parameters
----------
tuples : a set of planners.policies.tuples (4x6, 8x6, 17x4, 3x3), or tuples joined by -; the world's own if it is empty
afterstates : whether boards are worth what can be gained after them, as td and tc learn it
temperature : of the softmax over values of moves, in units of value; above 0
start : what every board is worth before learning, in units of reward; from -1e30 to 1e30
stages : tiles, joined by -, from which on boards have weights of their own; none if it is empty
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from games.errors import GameplanError, UsageError
from games.game2048.board import TOP, slide
from games.game2048.model import Full2048, ProAct2048, Small2048, direction_of, shape_of
from games.jit import embedded, njit
from games.memory import available, shown
from games.process import chance
from games.world import Instance
from planners.evaluator import value
from planners.policies.catalogue import VALUE
from planners.policies.look_ups import NTuple, worth_of, write_places
from planners.policies.policy import ascend, fit, prefer, worth, worth_after
from planners.policies.tuples import IMAGES, look_ups, parse_tuples, usual
from planners.policies.units import units

PARAMS = {"tuples": "", "afterstates": False, "temperature": 1.0, "start": 0.0, "stages": ""}
VALUE_PARAMS = {"afterstates": True, "temperature": 100.0}  # of a network that learned values of afterstates
MOST_ROWS = 1 << 32
MOST_START = 1e30  # weights have 32 bits


def make(
    instance: Instance, tuples: str, afterstates: bool, temperature: float, start: float, stages: str, channels: int = 1
) -> NTuple:
    """Return a network whose boards are all worth `start`, with room for `channels` numbers a weight.

    Raises
    ------
    UsageError
        For a world of another family, or parameters that make no sense.
    GameplanError
        If the memory for it is not free.
    """
    if not isinstance(instance.model, Full2048 | Small2048 | ProAct2048):
        raise UsageError("n-tuple networks are for the worlds of the 2048 family; take another kind of policy, or method")
    if temperature <= 0.0:
        raise UsageError(f"ntuple: temperature={temperature} is not possible; it must be above 0")
    if not abs(start) < MOST_START:
        raise UsageError(f"ntuple: start={start} is not possible; it must be a number below {MOST_START:g}")
    rows, columns = _shape(instance)
    look, least, entries = look_ups(parse_tuples(tuples or usual(rows, columns), rows, columns), rows, columns)
    exponents, total = _exponents(instance, stages), 0
    total = entries * (len(exponents) + 1)
    if total >= MOST_ROWS:
        raise UsageError(f"ntuple: {total:,} weights are too many; choose shorter or fewer tuples, or fewer stages")
    check_memory(4 * channels * total)
    reads = int(look[:, IMAGES].sum())
    weights = np.zeros((total, channels), np.float32)
    if start != 0.0:
        weights[:, 0] = start / reads
    return NTuple(weights, look, least, exponents, entries, reads, float(afterstates), temperature)


def suits(instance: Instance) -> dict[str, Any] | None:
    """Return the parameters of a network that learns quickly as a policy in this world; None if the world is of another family."""
    if not isinstance(instance.model, Full2048 | Small2048 | ProAct2048):
        return None
    return {"tuples": "17x4"} if _shape(instance) == (4, 4) else {}


def check_memory(size: int) -> None:
    """Raise GameplanError if `size` bytes are not free."""
    free = available()
    if size > 0.9 * free:
        raise GameplanError(f"the network needs {shown(size)} of memory, and {shown(free)} are free; choose smaller tuples")


def _shape(instance: Instance) -> tuple[int, int]:
    cells = np.flatnonzero(np.uint64(shape_of(instance.model).cells) >> np.arange(0, 64, 4, dtype=np.uint64) & np.uint64(1))
    return int(cells.max()) // 4 + 1, int(cells.max()) % 4 + 1


def _exponents(instance: Instance, stages: str) -> np.ndarray:
    base = getattr(instance.world, "base", 2)
    tiles = {str(base << e >> 1): e for e in range(1, TOP + 1)}
    words = [word for word in stages.split("-") if word]
    found = [tiles.get(word, 0) for word in words]
    if 0 in found or found != sorted(set(found)):
        raise UsageError(f"ntuple: stages={stages} are not tiles that ascend, such as {base << 12}-{base << 13}")
    return np.array(found, np.int64)


def shape(instance: Instance) -> dict[str, Any]:
    """Return what a stored network must agree with: rows and columns, and what tiles are multiples of; nothing elsewhere."""
    if not isinstance(instance.model, Full2048 | Small2048 | ProAct2048):
        return {}
    rows, columns = _shape(instance)
    return {"rows": rows, "columns": columns, **units(instance)}


def in_units(
    role: str, unit: float, params: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the params and arrays of a stored network where all rewards are `unit` times as large: the same moves.

    Values are `unit` times as large, and the temperature of a softmax over them; preferences that are no values stay what they are.
    """
    if role != VALUE and not params["afterstates"]:
        return dict(params), dict(arrays)
    scaled = {name: float(params[name]) * unit for name in ("temperature", "start")}
    rows = arrays["rows"].copy()
    rows[:, :1] *= np.float32(unit)
    return {**params, **scaled}, {**arrays, "rows": rows}


def describe(network: NTuple) -> str:
    """Return the size in words."""
    return f"{len(network.weights):,} weights, {network.reads} of them read for a board"


def state(network: NTuple) -> dict[str, np.ndarray]:
    """Return the rows of weights that are not zero, and a bit for each row that says whether it is one."""
    used = np.zeros((len(network.weights) + 7) // 8, np.uint8)
    rows = np.empty((int(_mark(network.weights, used)), network.weights.shape[1]), np.float32)
    _gather(network.weights, used, rows)
    return {"used": used, "rows": rows}


def restore(network: NTuple, arrays: dict[str, np.ndarray]) -> None:
    """Give a network the weights that `state` returned."""
    used, rows = arrays["used"], arrays["rows"]
    size, channels = network.weights.shape
    if used.dtype != np.uint8 or used.shape != ((size + 7) // 8,) or rows.dtype != np.float32 or rows.ndim != 2:
        raise GameplanError(f"a network of {size:,} weights has a bit for each (uint8) and their rows (float32)")
    if int(np.bitwise_count(used).sum()) != len(rows) or rows.shape[1] != channels or (size % 8 and used[-1] >> size % 8):
        raise GameplanError("as many weights must be marked as there are rows")
    _scatter(network.weights, used, rows)


@njit
def _mark(weights, used):
    """Set the bits of `used` for rows with anything but zeros; return how many."""
    count = 0
    for row in range(len(weights)):
        for channel in range(weights.shape[1]):
            if weights[row, channel] != 0.0:
                used[row >> 3] |= np.uint8(1 << (row & 7))
                count += 1
                break
    return count


@njit
def _gather(weights, used, rows):
    count = 0
    for row in range(len(weights)):
        if used[row >> 3] >> (row & 7) & 1:
            for channel in range(weights.shape[1]):
                rows[count, channel] = weights[row, channel]
            count += 1


@njit
def _scatter(weights, used, rows):
    count = 0
    for row in range(len(weights)):
        there = used[row >> 3] >> (row & 7) & 1
        for channel in range(weights.shape[1]):
            weights[row, channel] = rows[count, channel] if there else 0.0
        count += there


@embedded
def best_move(network, model, board):
    """Return (reward plus value of the afterstate of the best move, that afterstate); 0 and `board` itself where there is none."""
    best, chosen, scale = np.float32(0.0), board, np.float32(model.scale)
    for direction in range(4):
        after, gain = slide(board, direction, shape_of(model))
        if after != board:
            here = scale * np.float32(gain) + worth_of(network, after, shape_of(model))
            if chosen == board or here > best:
                best, chosen = here, after
    return np.float64(best), chosen


@embedded
def change(network, model, board, step):
    """Add `step` to the value of `board`, an equal share to each of its look-ups."""
    places = np.empty(network.reads, np.uint32)
    write_places(network, board, shape_of(model), places, 0)
    share = np.float32(step / network.reads)
    for k in range(network.reads):
        network.weights[places[k], 0] += share


@prefer.of(NTuple)
def _prefer(policy, model, state, actions, count, logits):
    board = state.view(np.uint64)[0]
    for k in range(count):
        after, gain = slide(board, direction_of(model, actions[k]), shape_of(model))
        reward = policy.afterstates * model.scale * gain
        logits[k] = (reward + np.float64(worth_of(policy, after, shape_of(model)))) / policy.temperature


@ascend.of(NTuple)
def _ascend(policy, model, state, actions, count, slopes, rate):
    board = state.view(np.uint64)[0]
    for k in range(count):
        if slopes[k] != 0.0:
            after, _ = slide(board, direction_of(model, actions[k]), shape_of(model))
            change(policy, model, after, rate * slopes[k] / policy.temperature)


@worth.of(NTuple)
def _worth(network, model, state):
    board = state.view(np.uint64)[0]
    if network.afterstates != 0.0:
        return best_move(network, model, board)[0]
    return np.float64(worth_of(network, board, shape_of(model)))


@worth_after.of(NTuple)
def _worth_after(network, model, after):
    if network.afterstates != 0.0:
        return np.float64(worth_of(network, after.view(np.uint64)[0], shape_of(model)))
    states, chances, total = np.empty((model.outcomes, model.width), np.int64), np.empty(model.outcomes), 0.0
    for k in range(chance(model, after, states, chances)):
        total += chances[k] * worth(network, model, states[k])
    return total


@fit.of(NTuple)
def _fit(network, model, state, error, rate):
    board = state.view(np.uint64)[0]
    if network.afterstates != 0.0:
        _, after = best_move(network, model, board)
        if after == board:
            return
        board = after
    change(network, model, board, rate * error)


@value.of(NTuple)
def _value(evaluator, model, state, rng, cost):
    return worth(evaluator, model, state)
