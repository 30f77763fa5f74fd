"""What a policy is, and what a learned value is: records of arrays, and the operations on them that play and learning call.

A *policy* has a preference (logit) for every action offered in a state, and plays their softmax. A *value* says what a state is
worth, in units of reward. Either may be a record, then kernels are compiled for it, or a Python object with methods of the same
names, then they run uncompiled. A record may be both.
"""

import numpy as np

from games.dispatch import operation
from games.jit import embedded
from games.process import chance
from games.random import unit


@operation
def prefer(policy, model, state, actions, count, logits):
    """Write the logits of ``actions[:count]``, which can be taken in `state`, to `logits` (float64); nothing else is mutated."""
    raise NotImplementedError


@operation
def ascend(policy, model, state, actions, count, slopes, rate):
    """Move the parameters along ``rate * sum_k slopes[k] * d logit_k / d parameters`` at `state`.

    Tables do it at once; networks add it to their gradient, which `settle` acts on.
    """
    raise NotImplementedError


@operation
def settle(policy, rate):
    """End a minibatch: networks take the step of their optimiser with what `ascend` or `fit` have gathered; tables do nothing."""


@operation
def worth(value, model, state):
    """Return the value of `state`, which is not mutated."""
    raise NotImplementedError


@operation
def worth_after(value, model, after):
    """Return the value of an afterstate: the mean over the chance events unless the value knows better."""
    if model.outcomes == 0:
        return worth(value, model, after)
    states, chances = np.empty((model.outcomes, model.width), np.int64), np.empty(model.outcomes)
    total = 0.0
    for k in range(chance(model, after, states, chances)):
        total += chances[k] * worth(value, model, states[k])
    return total


@operation
def fit(value, model, state, error, rate):
    """Move the value of `state` by about ``rate * error`` (`error`: target less value)."""
    raise NotImplementedError


@embedded
def probabilities(logits, count, chances):
    """Write the softmax of ``logits[:count]`` to `chances`; return the logarithm of the sum of exponentials."""
    top = logits[0]
    for k in range(1, count):
        top = max(top, logits[k])
    total = 0.0
    for k in range(count):
        chances[k] = np.exp(logits[k] - top)
        total += chances[k]
    for k in range(count):
        chances[k] /= total
    return top + np.log(total)


@embedded
def sampled(chances, count, rng):
    """Return a place drawn from ``chances[:count]``, which sum to 1; `rng` is advanced."""
    x = unit(rng)
    for k in range(count - 1):
        x -= chances[k]
        if x < 0.0:
            return k
    return count - 1


@embedded
def favourite(logits, count):
    """Return the place of the greatest of ``logits[:count]``, the first of equals."""
    best = 0
    for k in range(1, count):
        if logits[k] > logits[best]:
            best = k
    return best
