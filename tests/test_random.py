"""Random streams against the published generators, in Python's integers; uncompiled, since both forms give the same bits."""

import math

import numpy as np

from games.random import below, mix, next_word, normal, stream, unit

WORD = (1 << 64) - 1


def xoshiro(s):
    """Return the next output of xoshiro256** and advance the four words `s`, as in the reference implementation in C."""

    def rotl(x, k):
        return (x << k | x >> (64 - k)) & WORD

    result = rotl(s[1] * 5 & WORD, 7) * 9 & WORD
    t = s[1] << 17 & WORD
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotl(s[3], 45)
    return result


def test_streams_are_xoshiro256_starstar():
    rng = stream("reference")
    words = rng.tolist()
    with np.errstate(over="ignore"):
        for _ in range(200):
            assert int(next_word.py_func(rng)) == xoshiro(words)
    assert rng.tolist() == words


def test_draws_are_made_of_the_words():
    """Integers by Lemire's rejection, floats of 53 bits, normal variates by the polar method; the same words are used up."""
    rng = stream("draws")
    words = rng.tolist()
    for n in (1, 2, 3, 10, 2**31 + 1, 2**32):  # of 2^31 + 1, nearly half of all words are rejected
        for _ in range(20):
            while True:
                product = (xoshiro(words) >> 32) * n
                if product % 2**32 >= (2**32 - n) % n:
                    break
            assert below(rng, n) == product >> 32
    for _ in range(20):
        assert unit(rng) == (xoshiro(words) >> 11) / 2**53
        while True:
            x, y = (2 * ((xoshiro(words) >> 11) / 2**53) - 1 for _ in range(2))
            if 0 < (r := x * x + y * y) < 1:
                break
        assert math.isclose(normal(rng), x * math.sqrt(-2 * math.log(r) / r), rel_tol=1e-15)
    assert rng.tolist() == words


def test_bits_are_mixed_as_by_splitmix64():
    """The first outputs of the reference implementation for the seed 1234567."""
    seed, step = 1234567, 0x9E3779B97F4A7C15
    found = [int(mix(np.uint64((seed + k * step) & WORD))) for k in range(3)]
    assert found == [6457827717110365317, 3203168211198807973, 9817491932198370423]
