"""A convolutional network over the planes of a state to which all directions are alike: a turned board has the turned preferences.

3x3 convolutions, rectified, each but the first added to what it reads, over the cells of the board, however many they are. Numbers
come in fields of eight, one for each turn and reflection g of the plane, and their weights are tied such that those of a turned
board are the turned ones, exchanged within the field: a convolution over the dihedral group (Cohen & Welling 2016). With r = g^-1,

    first   F'[k, g](x) = sum_{p, t}    w[k, p, r t]      planes[p](x + t)
    others  F'[k, g](x) = sum_{j, h, t} w[k, j, r h, r t] F[j, h](x + t)
    logit[kind, direction d] = sum_{k, g} v[kind, k, r d] F[k, g],   value = sum_{k, g} u[k] F[k, g]

where the last two read the cell where something is done, and the mean over all cells. So nothing has to be averaged over eight
images: the tied weights are written out as those of an ordinary network, whose gradients are added up again, once a minibatch.
Ascent is Adam's (Kingma & Ba 2015) along the mean of what was gathered.

Parameters
----------
fields : of eight numbers that a cell has, one for each turn and reflection; from 1 to 64
layers : convolutions; from 1 to 64
step : what a rate of 1 is for Adam; above 0
scale : what an output of 1 is worth as a value, in units of reward; above 0
seed : of the first weights; any whole number
"""

from typing import Any, NamedTuple

import numpy as np

import games.game2048.planes
import games.sokoban.planes  # noqa: F401 (they say how their worlds are written in planes)
from games.dispatch import suited
from games.errors import GameplanError, UsageError
from games.jit import lean_njit, njit
from games.planes import bearing, bearings, planes_shape, standing, write_planes
from games.random import stream
from games.world import Instance
from planners.evaluator import value
from planners.policies.adam import adam
from planners.policies.dihedral import Wide, tied
from planners.policies.policy import ascend, fit, prefer, settle, worth
from planners.policies.units import rescaled, units

PARAMS = {"fields": 4, "layers": 8, "step": 0.004, "scale": 1.0, "seed": 0}
MOST = 64  # fields, and layers
in_units = rescaled
_KEPT = ("weights", "mean", "square", "counts")


class Conv(NamedTuple):
    """The network.

    Attributes
    ----------
    weights, mean, square : (tied weights,) float32
        What is learned, and Adam's averages.
    tie : (wide weights,) int64
        Which tied weight each is.
    wide, gathered : Wide
        Views of `flat` and `slopes`: the weights written out, and the gradient that has been gathered.
    back : (layers - 1, 9, maps, maps) float32
        `wide.others` from outputs to inputs.
    counts : (2,) int64
        Steps taken, and what has been gathered since.
    step, scale : float
    """

    weights: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    tie: np.ndarray
    flat: np.ndarray
    slopes: np.ndarray
    wide: Wide
    gathered: Wide
    back: np.ndarray
    counts: np.ndarray
    step: float
    scale: float


@njit
def _sizes(model):
    return planes_shape(model)[0], bearings(model)


def make(instance: Instance, fields: int, layers: int, step: float, scale: float, seed: int) -> Conv:
    """Return a network with small random weights, its last layer 0: a uniform policy, a value of 0.

    Raises
    ------
    UsageError
        If the world does not describe its states in planes and its actions as directions, or a number is not possible.
    """
    if not shape(instance):
        raise UsageError(
            "conv needs a world on a board with actions in four directions (2048, Sokoban by moves, or one with write_planes and "
            "bearing); tabular needs nothing"
        )
    for name, number in (("fields", fields), ("layers", layers)):
        if not 1 <= number <= MOST:
            raise UsageError(f"conv: {name}={number} is not possible; legal are 1 to {MOST}")
    if not (0.0 < step < np.inf and 0.0 < scale < np.inf):
        raise UsageError(f"conv: step={step} and scale={scale} must be above 0")
    channels, kinds = (int(n) for n in suited(_sizes, instance.model)(instance.model))
    wide, sizes = tied(channels, fields, layers, kinds)
    tie, rng = np.concatenate([part.ravel() for part in wide]), np.random.Generator(np.random.PCG64(int(stream("conv", seed)[0])))
    weights = np.zeros(sum(sizes), np.float32)
    weights[: sizes[0]] = (2.0 / (3 * channels)) ** 0.5 * rng.standard_normal(sizes[0])  # planes are mostly 0
    weights[sizes[0] :][: sizes[1]] = (2.0 / (9 * 8 * fields * layers)) ** 0.5 * rng.standard_normal(sizes[1])
    flat, slopes = np.zeros((2, len(tie)), np.float32)
    made = Conv(
        weights, np.zeros_like(weights), np.zeros_like(weights), tie, flat, slopes, _views(flat, wide), _views(slopes, wide),
        np.zeros(wide.others.shape, np.float32), np.zeros(2, np.int64), step, scale,
    )  # fmt: skip
    _write_out(made)
    return made


def _views(flat: np.ndarray, like: Wide) -> Wide:
    """Return consecutive views of `flat`, shaped like the arrays of `like`."""
    parts = np.split(flat, np.cumsum([part.size for part in like])[:-1])
    return Wide(*(part.reshape(shaped.shape) for part, shaped in zip(parts, like, strict=True)))


def suits(instance: Instance) -> dict[str, Any] | None:
    """Return what differs from `PARAMS` where this is the usual kind: on boards on which something moves from cell to cell."""
    return {} if standing.known(instance.model) and shape(instance) else None


def shape(instance: Instance) -> dict[str, Any]:
    """Return what a stored network must agree with: channels and kinds of actions, not how large a board is."""
    if not (planes_shape.known(instance.model) and bearings.known(instance.model)):
        return {}
    channels, kinds = suited(_sizes, instance.model)(instance.model)
    return {"channels": int(channels), "kinds": int(kinds), **units(instance)} if channels and kinds else {}


def state(network: Conv) -> dict[str, np.ndarray]:
    """Return the tied weights and the optimiser's averages."""
    return {name: getattr(network, name).copy() for name in _KEPT}


def restore(network: Conv, arrays: dict[str, np.ndarray]) -> None:
    """Set what `state` returned."""
    for name in _KEPT:
        ours, theirs = getattr(network, name), arrays[name]
        if theirs.shape != ours.shape or theirs.dtype != ours.dtype:
            raise GameplanError(f"the array {name} is {theirs.dtype}{theirs.shape}; it should be {ours.dtype}{ours.shape}")
        ours[:] = theirs
    network.slopes[:] = 0.0
    _write_out(network)


def check(network: Conv) -> None:
    """Raise GameplanError if a weight is no longer a number."""
    if not np.isfinite(network.weights).all():
        raise GameplanError("a weight of the network is no longer finite; choose a smaller rate")


def _write_out(network: Conv) -> None:
    network.flat[:] = network.weights[network.tie]
    network.back[:] = network.wide.others[:, ::-1].swapaxes(2, 3)


@njit
def survey(shape, flat, at):
    """Return planes (cells + 1, channels), neighbours (cells + 1, 9), and `at`, the cells of the board being numbered anew.

    `flat` are the planes as `write_planes` writes them; neighbours as in `dihedral.TAPS`. The last cell stands for all that
    are not there: it is 0 in every layer, and so a wall.
    """
    channels, rows, columns = shape
    size, count = rows * columns, 0
    number = np.full(size, -1, np.int64)
    for c in range(size):
        for p in range(channels):
            if flat[p * size + c] != 0.0:
                number[c] = count
                count += 1
                break
    planes, near = np.zeros((count + 1, channels), np.float32), np.full((count + 1, 9), count, np.int64)
    for c in range(size):
        n = number[c]
        if n < 0:
            continue
        for p in range(channels):
            planes[n, p] = flat[p * size + c]
        for t in range(9):
            y, x = c // columns + t // 3 - 1, c % columns + t % 3 - 1
            if 0 <= y < rows and 0 <= x < columns and number[y * columns + x] >= 0:
                near[n, t] = number[y * columns + x]
    return planes, near, number[at] if at >= 0 and number[at] >= 0 else count


@lean_njit
def _convolve(x, near, kernel, out):
    """Add the convolution of `x` (cells + 1, inputs) with `kernel` (9, inputs, outputs) to `out` (cells + 1, outputs)."""
    inputs, outputs, cells = kernel.shape[1], kernel.shape[2], len(near) - 1
    whole = inputs - inputs % 4  # by fours, because each turn of the inmost loop reads and writes the result
    for c in range(cells):
        o = out[c]
        for t in range(9):
            m = near[c, t]
            if m == cells:
                continue
            read, w = x[m], kernel[t]
            for i in range(0, whole, 4):
                a, b, d, e = read[i], read[i + 1], read[i + 2], read[i + 3]
                if a == 0.0 and b == 0.0 and d == 0.0 and e == 0.0:
                    continue
                wa, wb, wd, we = w[i], w[i + 1], w[i + 2], w[i + 3]
                for j in range(outputs):
                    o[j] += a * wa[j] + b * wb[j] + d * wd[j] + e * we[j]
            for i in range(whole, inputs):
                a, wa = read[i], w[i]
                for j in range(outputs):
                    o[j] += a * wa[j]


@lean_njit
def _accumulate(x, near, slope, out):
    """Add the gradient of `_convolve` in its kernel to `out` (9, inputs, outputs), where that in its result is `slope`."""
    inputs, outputs, cells = out.shape[1], out.shape[2], len(near) - 1
    for t in range(9):
        g, c = out[t], 0
        while c < cells:
            ca, cb, cd, ce, found = cells, cells, cells, cells, 0
            while c < cells and found < 4:
                if near[c, t] < cells:
                    ca, cb, cd, ce = cb, cd, ce, c
                    found += 1
                c += 1
            xa, xb, xd, xe = x[near[ca, t]], x[near[cb, t]], x[near[cd, t]], x[near[ce, t]]
            sa, sb, sd, se = slope[ca], slope[cb], slope[cd], slope[ce]
            for i in range(inputs):
                a, b, d, e, row = xa[i], xb[i], xd[i], xe[i], g[i]
                if a == 0.0 and b == 0.0 and d == 0.0 and e == 0.0:
                    continue
                for j in range(outputs):
                    row[j] += a * sa[j] + b * sb[j] + d * sd[j] + e * se[j]


@njit
def forward(network, planes, near, at, hidden, read, outputs):
    """Write what all layers make of a `survey` to `hidden` (layers, cells + 1, maps), `read` (2, maps), and `outputs`."""
    wide, cells = network.wide, len(near) - 1
    layers, maps = wide.biases.shape
    for layer in range(layers):
        h = hidden[layer]
        for c in range(cells):
            for j in range(maps):
                h[c, j] = wide.biases[layer, j]
        h[cells] = 0.0
        if layer == 0:
            _convolve(planes, near, wide.first, h)
        else:
            h += hidden[layer - 1]
            _convolve(hidden[layer - 1], near, wide.others[layer - 1], h)
        for c in range(cells):
            for j in range(maps):
                h[c, j] = max(h[c, j], np.float32(0.0))
    read[0], read[1] = hidden[-1, at], 0.0
    for c in range(cells):
        read[1] += hidden[-1, c] / np.float32(cells)
    for o in range(len(outputs)):
        total = wide.offsets[o]
        for part in range(2):
            for j in range(maps):
                total += wide.head[o, part, j] * read[part, j]
        outputs[o] = total


@njit
def backward(network, planes, near, at, hidden, read, slopes):
    """Add `slopes` (outputs) times the gradients of the outputs to what is gathered; `forward` has just been called."""
    wide, gathered, cells = network.wide, network.gathered, len(near) - 1
    layers, maps = wide.biases.shape
    pull = np.zeros((2, maps), np.float32)
    for o in range(len(slopes)):
        if slopes[o] != 0.0:
            s = np.float32(slopes[o])
            gathered.offsets[o] += s
            for part in range(2):
                for j in range(maps):
                    gathered.head[o, part, j] += s * read[part, j]
                    pull[part, j] += s * wide.head[o, part, j]
    slope, before = np.empty((cells + 1, maps), np.float32), np.empty((cells + 1, maps), np.float32)
    slope[:] = pull[1] / np.float32(max(cells, 1))
    slope[at] += pull[0]
    slope[cells] = 0.0
    for layer in range(layers - 1, -1, -1):
        h = hidden[layer]
        for c in range(cells):
            for j in range(maps):
                slope[c, j] = slope[c, j] if h[c, j] > 0.0 else np.float32(0.0)
                gathered.biases[layer, j] += slope[c, j]
        if layer == 0:
            _accumulate(planes, near, slope, gathered.first)
        else:
            _accumulate(hidden[layer - 1], near, slope, gathered.others[layer - 1])
            before[:] = slope
            _convolve(slope, near, network.back[layer - 1], before)
            slope, before = before, slope


@njit
def scratch(network, cells):
    """Return arrays for `forward`: hidden, read, outputs."""
    layers, maps = network.wide.biases.shape
    hidden, read = np.empty((layers, cells, maps), np.float32), np.empty((2, maps), np.float32)
    return hidden, read, np.empty(len(network.wide.offsets), np.float32)


@njit
def look(network, model, state):
    """Return what `backward` is told of `state` (planes, near, at, hidden, read), and the outputs."""
    shape = planes_shape(model)
    flat = np.empty(shape[0] * shape[1] * shape[2], np.float32)
    write_planes(model, state, flat)
    planes, near, at = survey(shape, flat, standing(model, state))
    hidden, read, outputs = scratch(network, len(planes))
    forward(network, planes, near, at, hidden, read, outputs)
    return (planes, near, at, hidden, read), outputs


@prefer.of(Conv)
def _prefer(policy, model, state, actions, count, logits):
    _, outputs = look(policy, model, state)
    for k in range(count):
        kind, direction = bearing(model, actions[k])
        logits[k] = outputs[4 * kind + direction]


@ascend.of(Conv)
def _ascend(policy, model, state, actions, count, slopes, rate):
    seen, outputs = look(policy, model, state)
    outputs[:] = 0.0
    for k in range(count):
        kind, direction = bearing(model, actions[k])
        outputs[4 * kind + direction] = slopes[k]
    backward(policy, *seen, outputs)
    policy.counts[1] += 1


@worth.of(Conv)
def _worth(network, model, state):
    _, outputs = look(network, model, state)
    return network.scale * np.float64(outputs[-1])


@fit.of(Conv)
def _fit(network, model, state, error, rate):
    seen, outputs = look(network, model, state)
    outputs[:] = 0.0
    outputs[-1] = error / network.scale
    backward(network, *seen, outputs)
    network.counts[1] += 1


@value.of(Conv)
def _value(evaluator, model, state, rng, cost):
    return worth(evaluator, model, state)


@njit
def _move(network, rate):
    """Take Adam's step along the mean of what was gathered, forget that, and write the weights out."""
    gathered, wide = np.zeros_like(network.weights), network.wide.others
    for k in range(len(network.tie)):
        gathered[network.tie[k]] += network.slopes[k]
    adam(network, gathered, rate)
    for k in range(len(network.tie)):
        network.flat[k], network.slopes[k] = network.weights[network.tie[k]], 0.0
    layers, _, inputs, outputs = wide.shape
    for layer in range(layers):
        for t in range(9):
            for i in range(inputs):
                for j in range(outputs):
                    network.back[layer, 8 - t, j, i] = wide[layer, t, i, j]


@settle.of(Conv)
def _settle(policy, rate):
    if policy.counts[1] > 0:
        _move(policy, rate)
