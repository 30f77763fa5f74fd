"""Checking a data set from its text alone: boards are read from the user's message, claims from the answer."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from games.errors import GameplanError
from games.reading import Mismatch
from planners.glad import tiles, yards
from planners.glad.chains import problems
from planners.glad.claims import Language, clauses
from planners.glad.judgement import JUDGEMENT, Judgement
from planners.language.boards import find_board
from workbench.distill.config import SPLITS, DistillConfig
from workbench.distill.store import METADATA, read_jsonl
from workbench.runs.directory import RunDirectory
from workbench.runs.formats import SCHEMA

ROLES = ["system", "user", "assistant"]
MOST_SHOWN = 5


def view_of(shown: str, judgement: Judgement) -> tuple[Language, Any]:
    """Return the language and the view of the board in a user's message.

    Raises
    ------
    GameplanError
        If there is no board in it, or a level without a solution.
    """
    board = find_board(shown)
    if board is None:
        raise GameplanError("there is no board in the user's message")
    if hasattr(board.instance.world, "tiles"):
        return tiles.LANGUAGE, tiles.Tiles(board.instance, board.state, judgement)
    exact = yards.solved(board.instance, 1_000_000)
    if exact is None:
        raise GameplanError("the level cannot be solved")
    return yards.LANGUAGE, yards.Yard(board.instance, board.state, judgement, exact)


def audit(config: DistillConfig, run: RunDirectory, tell: Callable[[int], None] = lambda count: None) -> dict[str, Any]:
    """Return what a check of every example says: claims read, what is wrong, positions in two splits.

    Raises
    ------
    GameplanError
        For a file that cannot be read, or a side-car that does not fit.
    """
    examples, claims, wrong = 0, 0, 0
    shown: list[str] = []
    splits: dict[str, str] = {}
    leaks: Counter[str] = Counter()
    for split in SPLITS:
        path = run.path / f"{split}.jsonl"
        side = read_jsonl(run.path / METADATA / f"{split}.jsonl")
        for number, example in enumerate(read_jsonl(path), 1):
            entry = next(side, None)
            where = f"{path}, line {number}"
            if entry is None or not {"key", "group", "judgement"} <= entry.keys():
                raise GameplanError(f"{where}: has no line of its own in {METADATA}/{split}.jsonl; make the data set again")
            messages = example.get("messages")
            if not isinstance(messages, list) or [m.get("role") for m in messages if isinstance(m, dict)] != ROLES:
                raise GameplanError(f"{where}: its messages are not those of {', '.join(ROLES)}")
            try:
                JUDGEMENT(entry["judgement"], "judgement")
            except Mismatch as error:
                raise GameplanError(f"{run.path / METADATA / split}.jsonl, line {number}: {error}") from error
            language, view = view_of(messages[1]["content"], Judgement.from_json(entry["judgement"]))
            text = messages[2]["content"]
            found = problems(language, view, text, view.words)
            claims += sum(1 for _ in clauses(text.removeprefix("thought: ").rpartition("\nmove: ")[0])) if not found else 0
            wrong += bool(found)
            if found and len(shown) < MOST_SHOWN:
                shown.append(f"{where}: {found[0]}")
            for name in ("key", "group"):
                leaks[name] += splits.setdefault(f"{name} {entry[name]}", split) != split
            examples += 1
            tell(examples)
    return {
        "schema": SCHEMA, "command": "distill --check", "world": config.world, "examples": examples, "claims": claims,
        "wrong": wrong, "first": shown, "leaks": leaks["key"] + leaks["group"], "run": str(run.path),
    }  # fmt: skip
