"""Chains of reasoning: an outline of claims put into words within a length, and the check that a text says nothing false."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from games.dispatch import plain
from games.random import below
from planners.glad.claims import Claim, Language, Unreadable, count_tokens, sentence
from planners.language.parser import strict_move

PARTS = ("observe", "future", "counterfactual", "risk", "conclude")
FULL, SHORT = "full", "short"
RANKS = {FULL: 3, SHORT: 1}  # the highest rank of a claim that a form has room for
TOKENS = {FULL: 320, SHORT: 120}  # of an answer, at most, where nothing else is said

_below = plain(below)


class Line(NamedTuple):
    """One sentence of an outline: its part (of `PARTS`), and its claims with their ranks; the higher a rank, the sooner it goes."""

    part: str
    claims: tuple[tuple[int, Claim], ...]


class Style(NamedTuple):
    """How chains are written: their form, most tokens of an answer, and how many wordings of a claim are used (0: all)."""

    form: str
    tokens: int
    wordings: int


def answer(thought: str, action: str) -> str:
    """Return the answer in ProAct's format."""
    return f"thought: {thought}\nmove: {action}"


def compose(language: Language, lines: Sequence[Line], chosen: str, style: Style, rng: np.ndarray) -> str | None:
    """Return the thought that says `lines` in an answer of at most ``style.tokens`` tokens; None if none is so short.

    Claims of the highest rank go first, of these the last. `rng` draws the wordings and is advanced.
    """
    spoken: list[list[tuple[int, str, int]]] = []  # (rank, clause, tokens) by line
    for line in lines:
        found = []
        for rank, claim in line.claims:
            wordings = len(language.forms[claim.kind].wordings)
            k = int(_below(rng, min(wordings, style.wordings or wordings)))
            if rank <= RANKS[style.form]:
                clause = language.write(claim, k)
                found.append((rank, clause, count_tokens(clause) + 1))
        spoken.append(found)
    total = count_tokens(answer("", chosen)) + sum(tokens for line in spoken for _, _, tokens in line)
    for rank in range(RANKS[style.form], 0, -1):
        for found in reversed(spoken):
            for k in range(len(found) - 1, -1, -1):
                if total > style.tokens and found[k][0] == rank:
                    total -= found.pop(k)[2]
    if total > style.tokens:
        return None
    return " ".join(sentence([clause for _, clause, _ in line]) for line in spoken if line)


def problems(language: Language, view: Any, text: str, words: Sequence[str]) -> list[str]:
    """Return what is wrong with an answer, nothing if it may be used.

    Its thought is read back into claims, each of which must hold of `view` (with ``judgement``); the parser must find exactly the
    chosen action, and every action with an effect (`words`) must have a future of its own.
    """
    thought, label, _ = text.removeprefix("thought: ").rpartition("\nmove: ")
    if not label or not text.startswith("thought: "):
        return ["the answer is not in the format"]
    chosen = view.judgement.chosen
    found = strict_move(text, words)
    wrong = [] if found.text == chosen and chosen in words else [f"the answer is read as {found.text!r}, not {chosen!r}"]
    try:
        claims = language.read(thought)
    except Unreadable as error:
        return [*wrong, str(error)]
    wrong += [f"false: {claim.kind} {claim.arguments}" for claim in claims if not language.holds(claim, view)]
    named = {claim.arguments[0] for claim in claims if claim.kind in ("makes", "walks", "pushes")}
    return wrong + [f"{word} is not mentioned" for word in words if word not in named]


def mutations(language: Language, thought: str, choose: Callable[[int], int]) -> tuple[str, Claim, Claim] | None:
    """Return (text, claim, changed claim): one claim of `thought` with an argument changed, drawn by ``choose(n)``, or None.

    The argument becomes another that the same slot can hold: a number one or two off, another word, a list with one entry changed.
    The changed claim may be true by accident; who asks whether checks catch what is false has to find that out elsewhere.
    """
    claims = language.read(thought)
    parts = [part.split("; ") for part in thought[:-1].split(". ")]
    places = [(s, c) for s, clauses in enumerate(parts) for c in range(len(clauses))]
    n = choose(len(claims))
    claim = claims[n]
    form = language.forms[claim.kind]
    wording = next(w for w in range(len(form.wordings)) if _same(language, claim, w, parts, places[n]))
    said = [k for k, name in enumerate(form.arguments) if f"{{{name}}}" in form.wordings[wording]]
    if not said:
        return None
    k = said[choose(len(said))]
    value = _other(claim.arguments[k], language.slots[form.arguments[k]], choose)
    if value is None:
        return None
    changed = Claim(claim.kind, (*claim.arguments[:k], value, *claim.arguments[k + 1 :]))
    clause = language.write(changed, wording)
    s, c = places[n]
    parts[s][c] = clause[:1].upper() + clause[1:] if c == 0 else clause
    return ". ".join("; ".join(clauses) for clauses in parts) + ".", claim, changed


def _same(language: Language, claim: Claim, wording: int, parts: Sequence[Sequence[str]], place: tuple[int, int]) -> bool:
    clause, found = language.write(claim, wording), parts[place[0]][place[1]]
    return clause[1:] == found[1:] and clause[:1].lower() == found[:1].lower()


def _other(value: Any, slot: Any, choose: Callable[[int], int]) -> Any:
    """Return another value of the same kind, None if there is none."""
    if isinstance(value, tuple):
        if not value:
            return (8,)
        k = choose(len(value))
        changed = _other(value[k], slot, choose)
        return None if changed is None else (*value[:k], changed, *value[k + 1 :])
    if isinstance(value, int):
        step = 1 + choose(2)
        return value + step if choose(2) or value < step else value - step
    words = [word for word in _words(slot) if word != value]
    return words[choose(len(words))] if words else None


def _words(slot: Any) -> list[str]:
    """Return the words that a slot of `word_slot` or `words_slot` can hold."""
    inside = slot.pattern.partition("(?:")[2].partition(")")[0]
    return [word.replace("\\", "") for word in inside.split("|")]
