"""Exact numbers, bounded: what a file says is a fraction until it becomes float64, whatever its length.

A fraction may carry `EXACT_BITS` bits above and below the line. Beyond, it is rounded to `KEPT_BITS` significant bits, which
no float64 can tell, and to 0 below 2^`LEAST_EXPONENT`; sums and products along a path of 100,000 moves therefore stay small.
"""

import re
from fractions import Fraction
from typing import NamedTuple

MAX_CHARACTERS = 100_000
MAX_EXPONENT = 10_000
EXACT_BITS = 4096
KEPT_BITS = 1024
LEAST_EXPONENT = -2300  # even times the largest float64 this is less than the smallest
LARGEST = Fraction(2**1024 - 2**970)  # the largest float64

_NUMBER = re.compile(rb"([+-]?)(\d*)(?:(\.)(\d*))?(?:[eE]([+-]?\d+))?(?:/(\d+))?")
_CHUNK = 600  # digits that Python turns into an integer whatever its limit (`sys.set_int_max_str_digits`) is


class Number(NamedTuple):
    """A number as written.

    Its value; whether it was meant exactly (a fraction or a whole number, not rounded here); whether float64 can hold it.
    """

    value: Fraction
    exact: bool
    finite: bool


def parse(word: bytes) -> Number:
    """Return the number that `word` spells: -3, 1/3, .25, 2.5e-1.

    Raises
    ------
    ValueError
        If it is none, or beyond the bounds of this module; says what is legal.
    """
    if len(word) > MAX_CHARACTERS:
        raise ValueError(f"a number of at most {MAX_CHARACTERS:,} characters")
    match = _NUMBER.fullmatch(word)
    if match is None:
        raise ValueError("a number such as -3, 1/3, 0.25 or 2.5e-1")
    sign, whole, point, decimals, exponent, denominator = match.groups()
    decimals = decimals or b""
    if not whole + decimals or (denominator is not None and (point or exponent)):
        raise ValueError("a number such as -3, 1/3, 0.25 or 2.5e-1")
    power = -len(decimals)
    if exponent is not None:
        if len(exponent) > 10 or abs(int(exponent)) > MAX_EXPONENT:
            raise ValueError(f"a number with an exponent from -{MAX_EXPONENT:,} to {MAX_EXPONENT:,}")
        power += int(exponent)
    above, below = _integer(whole + decimals), 1
    if denominator is not None:
        below = _integer(denominator)
        if below == 0:
            raise ValueError("a fraction whose denominator is not 0")
    elif power < 0:
        below = 10**-power
    else:
        above *= 10**power
    value = _fraction(-above if sign == b"-" else above, below)
    exact = not point and exponent is None and max(above.bit_length(), below.bit_length()) <= EXACT_BITS
    return Number(value, exact, abs(value) <= LARGEST)


def plus(a: Fraction, b: Fraction) -> Fraction:
    """Return a + b, exact within the bounds of this module."""
    return bounded(a + b)


def times(a: Fraction, b: Fraction) -> Fraction:
    """Return a b, exact within the bounds of this module."""
    return b if a == 1 else bounded(a * b)


def bounded(x: Fraction) -> Fraction:
    """Return x, rounded to `KEPT_BITS` significant bits if it has more than `EXACT_BITS`."""
    if x.denominator.bit_length() <= EXACT_BITS and x.numerator.bit_length() <= EXACT_BITS:
        return x
    return _fraction(x.numerator, x.denominator)


def _fraction(above: int, below: int) -> Fraction:
    if above.bit_length() <= EXACT_BITS and below.bit_length() <= EXACT_BITS:
        return Fraction(above, below)
    exponent = above.bit_length() - below.bit_length()
    if exponent < LEAST_EXPONENT:
        return Fraction(0)
    shift = exponent - KEPT_BITS
    if shift >= 0:
        return Fraction((above // (below << shift)) << shift)
    return Fraction((above << -shift) // below, 1 << -shift)


def _integer(digits: bytes) -> int:
    if len(digits) <= _CHUNK:
        return int(digits or b"0")
    half = len(digits) // 2
    return _integer(digits[:-half]) * 10**half + _integer(digits[-half:])
