"""What a model's answer says: moves in ProAct's format, strictly or leniently, choices from a menu, and scores.

None of these raises: a text that cannot be read is `None` (or an `Answered` that is no legal word), and the caller counts it.
"""

import json
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

# The label stands at the start or right after a line break; the action is all that follows, up to a line that begins a thought.
_STRICT = re.compile(r"(?:\A|\n)(?:#\s*)?(?:move|action):(.+?)(?=\n(?:#\s*)?thought:|\Z)", re.IGNORECASE | re.DOTALL)
_LABEL = re.compile(r"[\W_]*(?:move|action)[\s*_`\"']*[:=]", re.IGNORECASE)
_OPENING = re.compile(r"[\[{]")
_END = "<|im_end|>"


class Answered(NamedTuple):
    """The action that an answer names: `text` is None if no label was found, `legal` whether it is exactly one of the words."""

    text: str | None
    legal: bool


def strict_move(answer: str, words: Sequence[str], thinking: bool = False) -> Answered:
    """Return the action named by `answer` under ProAct's rules (Yu et al. 2026, arXiv 2602.05327, released implementation).

    Parameters
    ----------
    answer : str
        The model's text.
    words : sequence of str
        The legal words, in lower case.
    thinking : bool
        Read only what follows the last ``</think>``.
    """
    text = answer.replace(_END, "")
    if thinking:
        text = text.rpartition("</think>")[2]
    found = _STRICT.search(text)
    if found is None:
        return Answered(None, False)
    action = found[1].strip().lower()
    return Answered(action, action in words)


def lenient_move(answer: str, words: Sequence[str]) -> Answered:
    """Return the action that a reader would understand: marks, remarks and missing labels are forgiven, ambiguity is not.

    The last line with a label counts, or the last line at all if none has one; it must hold exactly one of the `words` (the longest
    at its place: "push up" is not "up").
    """
    lines = [line for line in answer.replace(_END, "").rpartition("</think>")[2].splitlines() if line.strip()]
    if not lines:
        return Answered(None, False)
    labels = [k for k, line in enumerate(lines) if _LABEL.match(line)]
    text = lines[-1]
    if labels:
        text = lines[labels[-1]]
        text = text[_LABEL.match(text).end() :] or " ".join(lines[labels[-1] + 1 : labels[-1] + 2])  # type: ignore[union-attr]
    plain = " ".join(re.sub(r"[^a-z0-9 ]+", " ", text.lower()).split())
    choices = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    named = set(re.findall(rf"\b(?:{choices})\b", plain))
    return Answered(named.pop(), True) if len(named) == 1 else Answered(plain or None, False)


def menu_numbers(answer: str, size: int) -> list[int] | None:
    """Return the numbers from 1 to `size` that an answer to a menu chooses, in its order, each once; None if there is none.

    The first JSON array of numbers counts, alone or in an object; without JSON, the whole numbers in the last line. Texts such as
    "3" are taken for numbers, other texts and numbers that are not in the menu are left out.
    """
    text = answer.replace(_END, "").rpartition("</think>")[2]
    values = _json_values(text)
    if values:
        return next((numbers for value in values if (numbers := _legal_numbers(value, size))), None)
    lines = text.strip().splitlines()
    return _legal_numbers(re.findall(r"(?<![\d.])\d+(?![\d.]*\d)", lines[-1]), size) or None if lines else None


def read_score(answer: str) -> float | None:
    """Return the score in [0, 1] that an answer gives, or None: ``{"score": 0.7}``, ``0.7``, ``70%`` and ``7/10`` are understood.

    The last number that is labelled "score" counts, else a number that is the whole answer.
    """
    text = answer.replace(_END, "").rpartition("</think>")[2].strip().strip("`").strip()
    number = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(%|/\s*\d+(?:\.\d+)?)?"
    labelled = re.findall(rf"score[\s\"'*_`]*(?:[:=]|is\b|of\b)?[\s\"'*_`]*{number}", text, re.IGNORECASE)
    whole = re.fullmatch(rf"{number}\s*\.?", text)
    if not labelled and whole is None:
        return None
    digits, unit = labelled[-1] if labelled else (whole[1], whole[2] or "")  # type: ignore[index]
    scale = 100.0 if unit == "%" else float(unit[1:]) if unit else 1.0
    value = float(digits) / scale if scale else math.nan
    return value if 0.0 <= value <= 1.0 else None


def _json_values(text: str) -> list[object]:
    """Return the JSON arrays and objects in `text`, in order."""
    found: list[object] = []
    decoder = json.JSONDecoder()
    place = 0
    for _ in range(100):  # a text may open any number of brackets
        opening = _OPENING.search(text, place)
        if opening is None:
            break
        try:
            value, place = decoder.raw_decode(text, opening.start())
            found.append(value)
        except (ValueError, RecursionError):
            place = opening.start() + 1
    return found


def _legal_numbers(value: object, size: int) -> list[int]:
    if isinstance(value, dict):
        return next((numbers for part in value.values() if (numbers := _legal_numbers(part, size))), [])
    chosen: dict[int, None] = {}
    for item in value if isinstance(value, list) else [value]:
        try:
            number = float(item) if isinstance(item, (int, float, str)) and not isinstance(item, bool) else math.nan
        except (ValueError, OverflowError):
            continue
        if number == int(number) if math.isfinite(number) else False:
            chosen[int(number)] = None
    return [number for number in chosen if 1 <= number <= size]
