"""From a model's reply to a program: SEARCH/REPLACE blocks on the current program, or a whole file in a fenced block."""

import difflib
import re
from typing import NamedTuple

from workbench.discovery.books.records import rejected

_SEARCH, _DIVIDER, _REPLACE = (re.compile(p) for p in (r"<{5,}\s*SEARCH\s*$", r"={5,}\s*$", r">{5,}\s*REPLACE\s*$"))
_SHOWN = 100  # characters of a line in a message
_THOUGHT = "</think>"  # what some models write between their thoughts and their answer


class Refused(Exception):
    """A reply that yields no program; `status` is that of the proposal, the message says why."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.status = rejected(kind)


class Block(NamedTuple):
    """Lines to be found in a program, and the lines that take their place."""

    search: list[str]
    replace: list[str]


class Edited(NamedTuple):
    """A program made from a reply: by how many `blocks`, 0 for a whole file."""

    source: str
    blocks: int


def read_reply(reply: str, current: str) -> Edited:
    """Return the program that `reply` makes of the program `current`.

    Raises
    ------
    Refused
        If it makes none: "rejected:edit" for a block that cannot be applied, "rejected:reply" without block and file.
    """
    lines = _lines(reply.rpartition(_THOUGHT)[2])
    blocks = find_blocks(lines)
    if not blocks:
        return Edited(_whole_file(lines), 0)
    source = current
    for number, block in enumerate(blocks, 1):
        source = apply(source, block, number)
    return Edited(source, len(blocks))


def find_blocks(lines: list[str]) -> list[Block]:
    """Return the SEARCH/REPLACE blocks in a reply, fenced or not, in order."""
    blocks: list[Block] = []
    search: list[str] = []
    replace: list[str] = []
    part: list[str] | None = None  # the part that lines are being added to
    for line in lines:
        if part is None:
            if _SEARCH.match(line):
                search, replace = [], []
                part = search
        elif part is search and _DIVIDER.match(line):
            part = replace
        elif part is replace and _REPLACE.match(line):
            blocks.append(Block(search, replace))
            part = None
        elif _SEARCH.match(line) or _REPLACE.match(line):
            wanted = "=======" if part is search else ">>>>>>> REPLACE"
            raise Refused("edit", f"block {len(blocks) + 1}: {_quoted(line)} where the line '{wanted}' must come first")
        else:
            part.append(line)
    if part is not None:
        raise Refused("edit", f"block {len(blocks) + 1}: the reply breaks off inside it, before the line '>>>>>>> REPLACE'")
    return blocks


def apply(program: str, block: Block, number: int) -> str:
    """Return `program` with the block's lines replaced; they must be whole lines that are there exactly once.

    Spaces at the ends of lines do not count.

    Raises
    ------
    Refused
        If they are not; the message names the block's `number`.
    """
    lines = _lines(program)
    here, wanted = [line.rstrip() for line in lines], [line.rstrip() for line in block.search]
    if not any(wanted):
        raise Refused("edit", f"block {number}: its SEARCH part is empty; copy the lines to be replaced from the current program")
    size = len(wanted)
    places = [k for k in range(len(here) - size + 1) if here[k : k + size] == wanted]
    if not places:
        raise Refused("edit", f"block {number}: its SEARCH part was not found: {_missing(here, wanted)}")
    if len(places) > 1:
        where = ", ".join(str(k + 1) for k in places[:9])
        raise Refused(
            "edit", f"block {number}: its SEARCH part was found {len(places)} times, at lines {where}; add lines until it is unique"
        )
    lines[places[0] : places[0] + size] = block.replace
    return "\n".join(lines)


def _missing(here: list[str], wanted: list[str]) -> str:
    """Return what the first of the `wanted` lines that the program has not looks like, and what comes closest to it."""
    for line in wanted:
        if line not in here:
            bare = line.strip()[:_SHOWN]
            shown = {text.strip()[:_SHOWN]: k for k, text in reversed(list(enumerate(here))) if text.strip()}
            near = difflib.get_close_matches(bare, list(shown), n=1, cutoff=0.0)
            nearest = f"; the nearest, line {shown[near[0]] + 1}, reads {_quoted(here[shown[near[0]]])}" if near else ""
            return f"no line reads {_quoted(line)}{nearest}"
    return "the program has each of its lines, but not in this order without others between"


def _whole_file(lines: list[str]) -> str:
    """Return the content of the reply's one fenced block."""
    fenced: list[tuple[str, list[str]]] = []
    inside: list[str] | None = None
    for line in lines:
        if inside is None:
            if line.startswith("```"):
                inside = []
                fenced.append((line.strip("`").strip().lower(), inside))
        elif line.rstrip() == "```":
            inside = None
        else:
            inside.append(line)
    if inside is not None:
        raise Refused("reply", "the reply breaks off inside a fenced block")
    files = [content for tag, content in fenced if tag in ("python", "py")] or [content for tag, content in fenced if not tag]
    files = [content for content in files if any(line.strip() for line in content)]
    if len(files) == 1:
        return "\n".join(files[0]).strip("\n") + "\n"
    if files:
        raise Refused(
            "reply", f"the reply has no SEARCH/REPLACE block and {len(files)} fenced python blocks; a whole program is one"
        )
    said = " ".join(" ".join(lines).split())
    begins = f"; it begins {_quoted(said)}" if said else ": it is empty"
    raise Refused("reply", f"the reply has no SEARCH/REPLACE block and no fenced python block{begins}")


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
