"""Claims: sentences that say one thing each, written from a table of wordings and read back by the same table.

A chain of reasoning is a text in which every clause is a claim, data with a kind and arguments. A `Language` has, for every kind,
its wordings and the one function that says whether such a claim holds of a situation: a position with what the environment makes
of it (`planners.glad.tiles.Tiles`, `planners.glad.yards.Yard`). So a text is checked by reading it: what cannot be read is no
claim, and what is read is asked of the environment, whatever it was written from.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

_SLOT = re.compile(r"\{(\w+)\}")
_PIECE = re.compile(r"\w+|[^\w\s]")


class Claim(NamedTuple):
    """One claim: its kind, and its arguments in the order of the kind's `Form`."""

    kind: str
    arguments: tuple[Any, ...]


class Slot(NamedTuple):
    """How an argument is written and read: a pattern without groups, and two functions that undo each other."""

    pattern: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]


class Form(NamedTuple):
    """A kind of claim: its arguments (names of slots), its wordings, and whether a claim holds of a situation.

    A wording that leaves out the first argument ``action`` speaks of the action that was named last.
    """

    arguments: tuple[str, ...]
    wordings: tuple[str, ...]
    holds: Callable[..., bool]


class Unreadable(ValueError):
    """A clause that is no claim; the message quotes it."""


class Language:
    """The claims of a family of worlds: `forms` by kind, `slots` by name."""

    def __init__(self, slots: Mapping[str, Slot], forms: Mapping[str, Form]) -> None:
        self.slots, self.forms = slots, forms
        self._read = lru_cache(maxsize=1 << 15)(self._read_clause)

    @cached_property
    def _patterns(self) -> list[tuple[str, tuple[str, ...], re.Pattern[str]]]:
        """Every wording as (kind, names of its slots in their order in the text, pattern)."""
        found = []
        for kind, form in self.forms.items():
            for wording in form.wordings:
                parts = _SLOT.split(wording)
                pattern = "".join(
                    re.escape(part) if k % 2 == 0 else f"({self.slots[part].pattern})" for k, part in enumerate(parts)
                )
                found.append((kind, tuple(parts[1::2]), re.compile(pattern)))
        return found

    def write(self, claim: Claim, wording: int = 0) -> str:
        """Return the clause for `claim` in one of its wordings (counted round)."""
        form = self.forms[claim.kind]
        values = {name: self.slots[name].write(value) for name, value in zip(form.arguments, claim.arguments, strict=True)}
        return form.wordings[wording % len(form.wordings)].format_map(values)

    def holds(self, claim: Claim, situation: Any) -> bool:
        """Return whether `claim` is true of `situation`; what makes no sense there is false."""
        return bool(self.forms[claim.kind].holds(situation, *claim.arguments))

    def read(self, text: str) -> list[Claim]:
        """Return the claims of a chain, in order.

        Raises
        ------
        Unreadable
            For a clause that is none.
        """
        found, subject = [], None
        for clause, first in clauses(text):
            kind, names, values = self._read(clause, first)
            form = self.forms[kind]
            if form.arguments[:1] == ("action",) and "action" not in names:
                if subject is None:
                    raise Unreadable(f"{clause!r} speaks of no action")
                values = {"action": subject, **values}
            subject = values.get("action", subject)
            found.append(Claim(kind, tuple(values[name] for name in form.arguments)))
        return found

    def _read_clause(self, clause: str, first: bool) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        readings = (clause[:1].lower() + clause[1:], clause) if first else (clause,)
        for kind, names, pattern in self._patterns:
            match = next(filter(None, map(pattern.fullmatch, readings)), None)
            if match is not None:
                return kind, names, {name: self.slots[name].read(part) for name, part in zip(names, match.groups(), strict=True)}
        raise Unreadable(f"{clause!r} is no claim")


def clauses(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the clauses of a text and whether each begins a sentence, with a capital; sentences end with ".", clauses with ";".

    Raises
    ------
    Unreadable
        If the text does not end with a sentence.
    """
    if not text.endswith("."):
        raise Unreadable(f"{text[-40:]!r} is no whole sentence")
    for sentence in text[:-1].split(". "):
        for k, clause in enumerate(sentence.split("; ")):
            yield clause, k == 0


def sentence(parts: Sequence[str]) -> str:
    """Return the sentence of these clauses."""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def count_tokens(text: str) -> int:
    """Return the number of words, numbers and marks in `text`, what a tokenizer over a small vocabulary makes of it."""
    return len(_PIECE.findall(text))


def listing(values: Sequence[Any]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    words = [str(value) for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def unlisted(text: str) -> list[str]:
    """Return the words of which `listing` made `text`."""
    return text.replace(" and ", ", ").split(", ")


def word_slot(words: Sequence[str]) -> Slot:
    """Return the slot for one of `words`."""
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return Slot(f"(?:{pattern})", str, str)


def words_slot(words: Sequence[str]) -> Slot:
    """Return the slot for several of `words`, as a tuple."""
    one = word_slot(words).pattern
    return Slot(f"{one}(?:(?:, | and ){one})*", listing, lambda text: tuple(unlisted(text)))


def count_slot(one: str, many: str, none: str) -> Slot:
    """Return the slot for a number of things: ``no pair``, ``1 pair``, ``5 pairs``."""

    def write(n: int) -> str:
        return none if n == 0 else f"{n} {one if n == 1 else many}"

    return Slot(rf"(?:{none}|\d+ (?:{many}|{one}))", write, lambda text: 0 if text == none else int(text.split()[0]))


NUMBER = Slot(r"\d+", str, int)
