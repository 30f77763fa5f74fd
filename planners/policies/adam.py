"""Adam, the optimiser of the networks (Kingma & Ba 2015, arXiv 1412.6980)."""

import numpy as np

from games.jit import embedded


@embedded
def adam(network, slopes, rate):
    """Take a step of ``rate * network.step`` along the mean of the gathered `slopes`, in the precision of the weights.

    Mutated are the network's ``weights``, ``mean`` and ``square`` (weights,), and ``counts``: steps taken, slopes gathered since.
    """
    kind = network.weights.dtype.type
    one, beta1, beta2, tiny = kind(1.0), kind(0.9), kind(0.999), kind(1e-8)
    network.counts[0] += 1
    t, gathered, step = network.counts[0], kind(max(network.counts[1], 1)), kind(rate * network.step)
    near, far = one - beta1**t, one - beta2**t
    for k in range(len(network.weights)):
        g = slopes[k] / gathered
        network.mean[k] = beta1 * network.mean[k] + (one - beta1) * g
        network.square[k] = beta2 * network.square[k] + (one - beta2) * g * g
        network.weights[k] += step * (network.mean[k] / near) / (np.sqrt(network.square[k] / far) + tiny)
    network.counts[1] = 0
