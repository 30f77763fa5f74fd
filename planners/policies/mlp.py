"""A fully connected network with one or two hidden layers over the planes of a state: a preference for what an action leads to.

The logit of an action is the network's number for the state after it (in stochastic worlds the afterstate), so the actions need no
numbers of their own; as a value the network judges the state itself. Ascent is Adam's (Kingma & Ba 2015), once a minibatch, of the
mean of what was gathered.

Parameters
----------
hidden : widths of one or two hidden layers, joined by x, each from 1 to 4096
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
from games.jit import embedded, njit
from games.planes import planes_shape, write_planes
from games.process import apply
from games.random import normal, stream
from games.world import Instance
from planners.evaluator import value
from planners.policies.adam import adam
from planners.policies.policy import ascend, fit, prefer, settle, worth
from planners.policies.units import rescaled, units

PARAMS = {"hidden": "64", "step": 0.004, "scale": 1.0, "seed": 0}
WIDEST = 4096
in_units = rescaled


class Mlp(NamedTuple):
    """The network.

    Attributes
    ----------
    inputs, columns, first, second : int
        Numbers of the planes, columns of the board, and widths of the hidden layers; `second` is 0 if there is one.
    weights, slopes, mean, square : (weights,) float64
        Layer after layer: (inputs x first), first, (first x second), second, last, 1; what has been gathered; and Adam's averages.
    counts : (2,) int64
        Steps taken, and what has been gathered since.
    step, scale : float
    """

    inputs: int
    columns: int
    first: int
    second: int
    weights: np.ndarray
    slopes: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    counts: np.ndarray
    step: float
    scale: float


@njit
def _sizes(model):
    return planes_shape(model)


@njit
def _fill(weights, begin, count, scale, rng):
    for k in range(begin, begin + count):
        weights[k] = scale * normal(rng)


def make(instance: Instance, hidden: str, step: float, scale: float, seed: int) -> Mlp:
    """Return a network with small random weights, its last layer 0: a uniform policy, a value of 0.

    Raises
    ------
    UsageError
        If the world does not describe its states in planes, or a width is not possible.
    """
    if not planes_shape.known(instance.model):
        raise UsageError(
            "mlp needs a world that describes its states in numbers (2048, Sokoban by moves, or one with write_planes); tabular "
            "needs nothing"
        )
    planes = [int(n) for n in suited(_sizes, instance.model)(instance.model)]
    inputs = int(np.prod(planes))
    widths = hidden.split("x")
    if len(widths) > 2 or not all(word.isdecimal() and 1 <= int(word) <= WIDEST for word in widths):
        raise UsageError(f"mlp: hidden={hidden} is not possible; write one or two widths of 1 to {WIDEST}, such as 64 or 128x32")
    if not (0.0 < step < np.inf and 0.0 < scale < np.inf):
        raise UsageError(f"mlp: step={step} and scale={scale} must be above 0")
    first, second = int(widths[0]), int(widths[1]) if len(widths) == 2 else 0
    total = (inputs + 1) * first + (first + 1) * second + (second or first) + 1
    weights, rng = np.zeros(total), stream("mlp", seed)
    _fill(weights, 0, inputs * first, (2.0 / max(1, inputs)) ** 0.5 * 2.0, rng)  # planes are mostly 0
    _fill(weights, (inputs + 1) * first, first * second, (2.0 / first) ** 0.5, rng)
    slopes, mean, square = (np.zeros(total) for _ in range(3))
    return Mlp(inputs, planes[2], first, second, weights, slopes, mean, square, np.zeros(2, np.int64), step, scale)


def shape(instance: Instance) -> dict[str, Any]:
    """Return what a stored network must agree with: the shape of the planes, and in the 2048 family what tiles are multiples of."""
    if not planes_shape.known(instance.model):
        return {}
    return {"planes": [int(n) for n in suited(_sizes, instance.model)(instance.model)], **units(instance)}


def state(network: Mlp) -> dict[str, np.ndarray]:
    """Return the weights and the optimiser's averages."""
    names = ("weights", "mean", "square", "counts")
    return {name: getattr(network, name).copy() for name in names}


def restore(network: Mlp, arrays: dict[str, np.ndarray]) -> None:
    """Set what `state` returned."""
    for name in ("weights", "mean", "square", "counts"):
        ours, theirs = getattr(network, name), arrays[name]
        if theirs.shape != ours.shape or theirs.dtype != ours.dtype:
            raise GameplanError(f"the array {name} is {theirs.dtype}{theirs.shape}; it should be {ours.dtype}{ours.shape}")
        ours[:] = theirs
    network.slopes[:] = 0.0


def check(network: Mlp) -> None:
    """Raise GameplanError if a weight is no longer a number."""
    if not np.isfinite(network.weights).all():
        raise GameplanError("a weight of the network is no longer finite; choose a smaller rate")


@embedded
def forward(network, x, h1, h2):
    """Return the output for the planes `x`; written: the hidden layers after their rectifiers."""
    w, n, a, b = network.weights, network.inputs, network.first, network.second
    bias = n * a
    for j in range(a):
        h1[j] = w[bias + j]
    for i in range(n):
        if x[i] != 0.0:
            for j in range(a):
                h1[j] += x[i] * w[i * a + j]
    for j in range(a):
        h1[j] = max(h1[j], 0.0)
    at = bias + a
    if b == 0:
        total = w[at + a]
        for j in range(a):
            total += w[at + j] * h1[j]
        return total
    for k in range(b):
        h2[k] = w[at + a * b + k]
    for j in range(a):
        if h1[j] != 0.0:
            for k in range(b):
                h2[k] += h1[j] * w[at + j * b + k]
    last = at + (a + 1) * b
    total = w[last + b]
    for k in range(b):
        h2[k] = max(h2[k], 0.0)
        total += w[last + k] * h2[k]
    return total


@embedded
def backward(network, x, h1, h2, d1, d2, slope):
    """Add `slope` times the gradient of the output to what is gathered; `forward` has just been called for `x`."""
    w, g, n, a, b = network.weights, network.slopes, network.inputs, network.first, network.second
    at = (n + 1) * a
    last = at + (a + 1) * b
    for j in range(a):
        d1[j] = 0.0
    if b == 0:
        g[at + a] += slope
        for j in range(a):
            g[at + j] += slope * h1[j]
            d1[j] = slope * w[at + j] if h1[j] > 0.0 else 0.0
    else:
        g[last + b] += slope
        for k in range(b):
            g[last + k] += slope * h2[k]
            d2[k] = slope * w[last + k] if h2[k] > 0.0 else 0.0
            g[at + a * b + k] += d2[k]
        for j in range(a):
            if h1[j] > 0.0:
                total = 0.0
                for k in range(b):
                    total += w[at + j * b + k] * d2[k]
                    g[at + j * b + k] += h1[j] * d2[k]
                d1[j] = total
    for j in range(a):
        g[n * a + j] += d1[j]
    for i in range(n):
        if x[i] != 0.0:
            for j in range(a):
                g[i * a + j] += x[i] * d1[j]


@embedded
def _planes(network, model, state):
    """Return the planes of `state`, which must be as many as the network reads."""
    channels, rows, columns = planes_shape(model)
    if channels * rows * columns != network.inputs or columns != network.columns:
        raise UsageError("mlp reads boards of one size, and this one has another; take conv, which reads them of any size")
    x = np.empty(network.inputs)
    write_planes(model, state, x)
    return x


@prefer.of(Mlp)
def _prefer(policy, model, state, actions, count, logits):
    h1, h2, after = np.empty(policy.first), np.empty(policy.second), np.empty_like(state)
    for k in range(count):
        after[:] = state
        apply(model, after, actions[k])
        logits[k] = forward(policy, _planes(policy, model, after), h1, h2)


@ascend.of(Mlp)
def _ascend(policy, model, state, actions, count, slopes, rate):
    h1, h2, after = np.empty(policy.first), np.empty(policy.second), np.empty_like(state)
    d1, d2 = np.empty(policy.first), np.empty(policy.second)
    for k in range(count):
        if slopes[k] != 0.0:
            after[:] = state
            apply(model, after, actions[k])
            x = _planes(policy, model, after)
            forward(policy, x, h1, h2)
            backward(policy, x, h1, h2, d1, d2, slopes[k])
    policy.counts[1] += 1


@worth.of(Mlp)
def _worth(network, model, state):
    x, h1, h2 = _planes(network, model, state), np.empty(network.first), np.empty(network.second)
    return network.scale * forward(network, x, h1, h2)


@fit.of(Mlp)
def _fit(network, model, state, error, rate):
    x, h1, h2 = _planes(network, model, state), np.empty(network.first), np.empty(network.second)
    forward(network, x, h1, h2)
    backward(network, x, h1, h2, np.empty(network.first), np.empty(network.second), error / network.scale)
    network.counts[1] += 1


@value.of(Mlp)
def _value(evaluator, model, state, rng, cost):
    return worth(evaluator, model, state)


@njit
def _move(network, rate):
    """Take Adam's step along the mean of what was gathered, and forget that."""
    adam(network, network.slopes, rate)
    network.slopes[:] = 0.0


@settle.of(Mlp)
def _settle(policy, rate):
    if policy.counts[1] > 0:
        _move(policy, rate)
