"""Explicit random streams: xoshiro256**, four words of state an episode, the same bits compiled or not.

Kernels take a stream as an array and advance it in place; nothing draws from a global generator, so results do not depend on
the order in which things run. Source: Blackman & Vigna 2021, "Scrambled linear pseudorandom number generators".
"""

import hashlib

import numpy as np

from games.jit import embedded


def stream(*parts: int | str) -> np.ndarray:
    """Return the stream (4 words, uint64) named by `parts`, such as ("world", seed); other names give unrelated streams."""
    digest = hashlib.sha256("\n".join(f"{type(p).__name__} {p}" for p in parts).encode()).digest()
    return np.frombuffer(digest, np.uint64).copy()


@embedded
def next_word(rng):
    """Return 64 random bits and advance `rng` in place."""
    s0, s1, s2, s3 = rng[0], rng[1], rng[2], rng[3]
    x = s1 * np.uint64(5)
    result = ((x << np.uint64(7)) | (x >> np.uint64(57))) * np.uint64(9)
    s2 ^= s0
    s3 ^= s1
    rng[1] = s1 ^ s2
    rng[0] = s0 ^ s3
    rng[2] = s2 ^ (s1 << np.uint64(17))
    rng[3] = (s3 << np.uint64(45)) | (s3 >> np.uint64(19))
    return result


@embedded
def below(rng, n):
    """Return a random integer in 0..n-1, `n` at most 2**32, exactly uniform (rejection, Lemire 2019)."""
    bound = np.uint64(n)
    while True:
        product = (next_word(rng) >> np.uint64(32)) * bound
        low = product & np.uint64(0xFFFFFFFF)
        if low >= bound or low >= (np.uint64(0x100000000) - bound) % bound:
            return np.int64(product >> np.uint64(32))


@embedded
def unit(rng):
    """Return a random float in [0, 1) with 53 bits."""
    return np.float64(next_word(rng) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@embedded
def normal(rng):
    """Return a standard normal variate (Marsaglia's polar method)."""
    while True:
        x = 2.0 * unit(rng) - 1.0
        y = 2.0 * unit(rng) - 1.0
        r = x * x + y * y
        if 0.0 < r < 1.0:
            return x * np.sqrt(-2.0 * np.log(r) / r)


@embedded
def mix(word):
    """Return the uint64 `word` with its bits mixed: the finaliser of splitmix64 (Steele, Lea, Flood 2014)."""
    z = np.uint64(word) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
