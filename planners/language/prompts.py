"""What a language model is shown: boards in ProAct's observation formats, our own wording of its prompts, menus and score requests.

The structure of the two games' prompts is that of Yu et al. 2026 (arXiv 2602.05327); for prompts of the very same characters,
point `read_prompts` to a copy of the files of the released implementation.
"""

import ast
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from games.errors import UsageError
from games.files import read_file

BOARD = "{textual_representation}"  # where the observation goes
MENU_MARK, SCORE_MARK = "one JSON array of numbers", "one JSON object such as"  # what tells requests of these kinds apart
END_MARK = "It ends at:"

Messages = list[dict[str, str]]


class Prompt(NamedTuple):
    """The system message, and the user message with `BOARD` in it."""

    system: str
    user: str

    def messages(self, observation: str) -> Messages:
        """Return the two messages for one turn."""
        return [
            {"role": "system", "content": self.system.replace(BOARD, observation)},
            {"role": "user", "content": self.user.replace(BOARD, observation)},
        ]


def plain_board(observation: str) -> str:
    r"""Return the board in ProAct's observation, the repr of ``{"board": rows}``, with real line breaks in place of \\n."""
    return str(ast.literal_eval(observation)["board"])


_FORMAT = "Answer with two lines and nothing after them:\nthought: {thought}\nmove: {words}"


def _tiles_prompt(name: str) -> Prompt:
    system = (
        f"You play {name}. Look at the board, weigh the moves in a few sentences, then decide.\n\n"
        + _FORMAT.format(thought="[what you see and why you decide so]", words="[up/down/left/right]")
        + "\n\nHints:\n"
        "- Keep the largest tile in one corner\n"
        "- Look for merges, and keep cells empty\n"
        "- A merge can make the next one possible: think a move further"
    )
    return Prompt(system, f"The {name} board is now:\n{BOARD}\n\nWeigh the moves briefly and give your move.")


class Symbols(NamedTuple):
    """The characters of a Sokoban board."""

    wall: str
    floor: str
    target: str
    box_on_target: str
    box: str
    player: str
    player_on_target: str


ORIGIN = Symbols("#", " ", "?", "*", "$", "@", "+")
SYMBOL = Symbols("#", "_", "O", "√", "B", "P", "+")
XSB = Symbols("#", " ", ".", "*", "$", "@", "+")
WALKS = ("up", "down", "left", "right")
PUSHES = tuple(f"push {word}" for word in WALKS)


def _sokoban_prompt(signs: Symbols, words: Sequence[str]) -> Prompt:
    system = (
        "You solve Sokoban puzzles, one move at a time. Look at the board, think briefly, then decide.\n\n"
        + _FORMAT.format(
            thought="[short sentences; do not draw the board again; name what blocks the way and which pushes would be final]",
            words="[one action]",
        )
        + "\n\nHints:\n"
        "- A box in a corner that is no target stays there\n"
        "- The order in which boxes go to their targets matters\n"
        "- Before a push, find out where you have to stand\n\n"
        f"The actions are: {', '.join(words)}"
    )
    push = "push up, push down, push left or push right" if len(words) > 4 else "the same words"
    user = (
        f"Bring every box ({signs.box}) to a target ({signs.target}).\n"
        f"The signs: '{signs.wall}' wall, '{signs.floor}' floor, '{signs.target}' target, '{signs.box}' box, "
        f"'{signs.box_on_target}' box on a target, '{signs.player}' you, '{signs.player_on_target}' you on a target.\n"
        f"To walk to a free neighbouring cell say up, down, left or right. To push the box beside you, say {push}: the cell behind "
        "the box must be free. Boxes cannot be pulled.\n\n"
        f"The board is now:\n{BOARD}\n\nThink briefly and give your move."
    )
    return Prompt(system, user)


PROMPTS: dict[str, Prompt] = {
    "2048_4x4": _tiles_prompt("2048"),
    "2048_3x3": _tiles_prompt("2048"),
    "3072_4x4": _tiles_prompt("3072"),
    "origin": _sokoban_prompt(ORIGIN, WALKS + PUSHES),
    "action": _sokoban_prompt(ORIGIN, WALKS),
    "symbol": _sokoban_prompt(SYMBOL, WALKS + PUSHES),
}


def read_prompts(path: Path) -> dict[str, Prompt]:
    """Return the prompts in a JSON file of the released implementation's form, in place of our own.

    The form: ``{variant: {"system_prompt_template": ..., "user_prompt_template": ...}}`` with `BOARD` in the latter.

    Raises
    ------
    UsageError
        If the file cannot be read or has another form.
    """
    try:
        table = json.loads(read_file(path, "file of prompts"))
    except ValueError as error:
        raise UsageError(f"prompts: {path} cannot be read as JSON ({error})") from None
    if not isinstance(table, dict) or not table:
        raise UsageError(f"prompts: {path} is no table of variants such as {', '.join(PROMPTS)}")
    return {name: _prompt_of(path, name, entry) for name, entry in table.items()}


def _prompt_of(path: Path, name: str, entry: object) -> Prompt:
    texts = [entry.get(f"{part}_prompt_template") for part in ("system", "user")] if isinstance(entry, dict) else [None, None]
    if not all(isinstance(text, str) for text in texts) or BOARD not in str(texts[1]):
        raise UsageError(
            f"prompts: {path}: {name!r} needs the texts system_prompt_template and user_prompt_template, the latter with {BOARD}"
        )
    return Prompt(*map(str, texts))


def menu_messages(task: str, situation: str, options: Sequence[str], count: int) -> Messages:
    """Return the request to choose up to `count` of the numbered `options` in a `situation`, best first."""
    example = json.dumps([2, 1] if count > 1 else [2])
    system = (
        f"{task}\n\nChoose from a numbered menu of actions. Answer with one JSON array of numbers from the menu, the best first, "
        f"at most {count} of them, such as {example}, and nothing else."
    )
    menu = "\n".join(f"{k}. {option}" for k, option in enumerate(options, 1))
    return [{"role": "system", "content": system}, {"role": "user", "content": f"Now:\n{situation}\n\nMenu:\n{menu}"}]


def score_messages(task: str, steps: Sequence[str], end: str, start: str = "") -> Messages:
    """Return the request to score a trajectory as a whole: its `steps` by name, its `end`, and its `start` if there are steps."""
    system = (
        f"{task}\n\nA plan has been simulated. Judge the plan as a whole: how likely does it lead to the goal, seen from where it "
        'ends? 0 is hopeless, 1 is certain. Answer with one JSON object such as {"score": 0.4} and nothing else.'
    )
    way = f"It began at:\n{start}\n\nSteps: {', then '.join(steps)}\n\n" if steps else ""
    return [{"role": "system", "content": system}, {"role": "user", "content": f"{way}{END_MARK}\n{end}"}]
