"""A slow, obvious judge of what chains claim, from the text alone; as a script it judges whole data sets.

python -m tests.glad_twin DIR [--mutations 1000]

Every claim of every example is judged; then so many claims are changed, and of those that this judge finds false, each must be
noticed by the checks with which chains were accepted.
"""

import argparse
import json
from collections import deque
from itertools import pairwise
from pathlib import Path

from games.dispatch import plain
from games.random import below, stream
from games.sokoban.levels import parse_levels
from planners.glad import tiles, yards
from planners.glad.chains import answer, mutations, problems
from planners.glad.judgement import Judgement
from tests.sokoban_twin import STEPS, Twin
from workbench.distill.audit import view_of

WORDS = ("up", "down", "left", "right")


def read_board(shown):
    """Return the rows of tiles in a user's message, 0 where a cell is empty."""
    rows = [line for line in shown.replace("\\n", "\n").replace("{'board': '", "").split("\n") if line.strip().startswith("[")]
    return [[0 if cell == "." else int(cell) for cell in row[row.index("[") + 1 : row.index("]")].split()] for row in rows]


def slide_row(row):
    """Return a row slid to the left, and the tiles made."""
    tiles, out, made = [tile for tile in row if tile], [], []
    while tiles:
        tile = tiles.pop(0)
        if tiles and tiles[0] == tile:
            tiles.pop(0)
            made.append(2 * tile)
            out.append(2 * tile)
        else:
            out.append(tile)
    return out + [0] * (len(row) - len(out)), made


def turn(board):
    return [list(column) for column in zip(*board, strict=True)]


def mirror(board):
    return [row[::-1] for row in board]


def slide(board, word):
    """Return the board after a move, no new tile yet, and the tiles made in ascending order."""
    before = turn(board) if word in ("up", "down") else board
    before = mirror(before) if word in ("down", "right") else before
    after, made = zip(*map(slide_row, before), strict=True)
    after = mirror(after) if word in ("down", "right") else list(after)
    after = turn(after) if word in ("up", "down") else after
    return [list(row) for row in after], tuple(sorted(tile for row in made for tile in row))


def pairs(board):
    rows = [*board, *turn(board)]
    return sum(a == b != 0 for row in rows for a, b in pairwise(row))


def empty(board):
    return sum(row.count(0) for row in board)


def places(board):
    """Return the places of the largest tile in words."""
    top, last, end, found = max(map(max, board)), len(board) - 1, len(board[0]) - 1, set()
    for r, row in enumerate(board):
        for c, tile in enumerate(row):
            if tile == top:
                if r in (0, last) and c in (0, end):
                    found.add(f"in the {'top' if r == 0 else 'bottom'} {'left' if c == 0 else 'right'} corner")
                else:
                    found.add("on an edge" if r in (0, last) or c in (0, end) else "inside")
    return found


def endings(board):
    """Return how many new tiles end the game, and how many there are."""
    ends = total = 0
    for r in range(len(board)):
        for c in range(len(board[0])):
            for tile in (2, 4):
                if board[r][c] == 0:
                    new = [list(row) for row in board]
                    new[r][c] = tile
                    total += 1
                    ends += all(slide(new, word)[0] == new for word in WORDS)
    return ends, total


def is_true(claim, board, judgement):
    """Return whether a claim about `board` is true."""
    kind, found = claim
    if kind in ("room", "pairs", "largest"):
        if kind == "largest":
            return max(map(max, board)) == found[0] and found[1] in places(board)
        return found[0] == (empty(board) if kind == "room" else pairs(board))
    if kind == "choose":
        return found[0] == judgement["chosen"]
    moves = {move["action"]: move for move in judgement["moves"]}
    if kind == "worse":
        names = [*found[0], found[1]]
        return (
            len(set(names)) == len(names)
            and set(names) <= set(moves)
            and all(moves[name]["value"] < moves[found[1]]["value"] for name in found[0])
        )
    action = found[0]
    after, made = slide(board, action)
    if kind == "only":
        return after != board and all(slide(board, word)[0] == board for word in WORDS if word != action)
    if after == board:
        return False
    if kind == "lost":
        return round(100 * moves[action]["risk"]) == found[1] and judgement["within"] == found[2]
    if kind == "makes":
        return made == found[1]
    if kind == "leaves":
        return (empty(after), pairs(after)) == found[1:]
    if kind == "row":
        return 1 <= found[1] <= len(after) and tuple(after[found[1] - 1]) == found[2]
    if kind in ("cornered", "uncornered"):
        return any("corner" in place for place in places(after)) == (kind == "cornered")
    if kind == "then":
        later, made = slide(after, found[1])
        return later != after and made == found[2]
    if kind == "roomier":
        other, _ = slide(board, found[1])
        return other != board and empty(other) - empty(after) == found[2] > 0
    if kind in ("safe", "danger"):
        ends, total = endings(after)
        return ends == 0 if kind == "safe" else (ends, total) == found[1:] and ends > 0
    raise AssertionError(kind)


class Level:
    """A Sokoban position from a user's message, with the fewest moves to the end by breadth-first search."""

    def __init__(self, shown):
        rows = [row for row in shown.split("\n") if row.startswith("#")]
        self.twin = Twin(parse_levels("\n".join(rows).replace("?", "."))[0])
        self.state = self.twin.start
        self.known = {}

    def after(self, word, state=None):
        return self.twin.move(
            self.state if state is None else state, WORDS.index(word.split(" ")[-1]), word in WORDS, word not in WORDS
        )[0]

    def left(self, state):
        if state not in self.known:
            self.known[state] = self.search(state)
        return self.known[state]

    def search(self, state):
        seen, queue = {state}, deque([(state, 0)])
        while queue:
            now, steps = queue.popleft()
            if now[1] == self.twin.goals:
                return steps
            for direction in range(4):
                new, _ = self.twin.move(now, direction)
                if new not in seen:
                    seen.add(new)
                    queue.append((new, steps + 1))
        return None

    def is_true(self, claim, judgement):
        """Return whether a claim about the position is true; rows and columns count from 1."""
        kind, found = claim
        names = [name for name in found if isinstance(name, str)] + [name for f in found if isinstance(f, tuple) for name in f]
        states = {name: self.after(name) for name in names if isinstance(name, str)}
        if kind != "route" and any(state == self.state for state in states.values()):
            return False
        steps = {name: self.left(state) for name, state in states.items()} if kind != "route" else {}
        pushed = {name: next(iter(state[1] - self.state[1]), None) for name, state in states.items()}
        if kind in ("waiting", "stands", "end"):
            mine = {
                "waiting": len(self.state[1] - self.twin.goals),
                "stands": place_of(self.state[0]),
                "end": self.left(self.state),
            }
            return found[0] == mine[kind]
        if kind == "route":
            state = self.state
            for word in found[0]:
                if self.after(word, state) == state:
                    return False
                state = self.after(word, state)
            return self.left(state) == self.left(self.state) - len(found[0])
        action = found[0]
        if kind == "walks":
            return pushed[action] is None and place_of(states[action][0]) == found[1]
        if kind == "pushes":
            return pushed[action] is not None and place_of(pushed[action]) == found[1]
        if kind in ("on target", "in corner"):
            cell = pushed[action]
            if cell is None:
                return False
            walls = [(cell[0] + r, cell[1] + c) not in self.twin.area for r, c in STEPS]
            on = cell in self.twin.goals
            return on if kind == "on target" else not on and (walls[0] or walls[1]) and (walls[2] or walls[3])
        if kind in ("leaves", "loses", "solvable"):
            return steps[action] == found[1] if kind == "leaves" else (steps[action] is None) == (kind == "loses")
        if kind == "longer":
            if steps[action] is None or steps[found[1]] is None:
                return False
            return steps[action] - steps[found[1]] == found[2] > 0
        if kind in ("equal", "slower"):
            best = steps[found[1]]
            if best is None or len({*found[0], found[1]}) <= len(found[0]):
                return False
            same = [steps[name] == best for name in found[0]]
            return all(same) if kind == "equal" else not any(same) and all(steps[n] is None or steps[n] > best for n in found[0])
        if kind == "choose":
            return action == judgement["chosen"]
        if kind == "only":
            others = (*WORDS, *(f"push {word}" for word in WORDS))
            return all(self.after(word) == self.state for word in others if word != action)
        raise AssertionError(kind)


def place_of(cell):
    return cell[0] + 1, cell[1] + 1


def examples(directory, split):
    """Yield (user's message, thought, judgement) of the examples of a split."""
    with open(Path(directory) / f"{split}.jsonl") as lines, open(Path(directory) / "metadata" / f"{split}.jsonl") as side:
        for line, entry in zip(lines, side, strict=True):
            messages = json.loads(line)["messages"]
            thought, _, move = messages[2]["content"].removeprefix("thought: ").rpartition("\nmove: ")
            judgement = json.loads(entry)["judgement"]
            assert move == judgement["chosen"]
            yield messages[1]["content"], thought, judgement


def judge_of(shown, judgement):
    """Return the language of what is said about the position shown, and the function that says whether a claim is true."""
    if "{'board'" not in shown and "[ " not in shown:
        level = Level(shown)
        return yards.LANGUAGE, lambda claim: level.is_true(claim, judgement)
    board = read_board(shown)
    return tiles.LANGUAGE, lambda claim: is_true(claim, board, judgement)


def false_claims(shown, thought, judgement):
    """Return the claims of a chain that are not true."""
    language, is_so = judge_of(shown, judgement)
    return [claim for claim in language.read(thought) if not is_so(claim)]


def unnoticed(shown, thought, judgement, rng):
    """Change one claim; return whether that made it false, and whether the checks do not notice."""
    pick, (language, is_so) = plain(below), judge_of(shown, judgement)
    found = mutations(language, thought, lambda n: int(pick(rng, n)))
    if found is None or is_so(found[2]):
        return False, False
    _, view = view_of(shown, Judgement.from_json(judgement))
    return True, not problems(language, view, answer(found[0], judgement["chosen"]), view.words)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--mutations", type=int, default=1000)
    options = parser.parse_args()
    chains = claims = false = changed = missed = 0
    rng = stream("mutations")
    for split in ("train", "validation", "test"):
        for shown, thought, judgement in examples(options.directory, split):
            chains += 1
            claims += len(judge_of(shown, judgement)[0].read(thought))
            false += len(false_claims(shown, thought, judgement))
            if changed < options.mutations:
                is_false, is_missed = unnoticed(shown, thought, judgement, rng)
                changed, missed = changed + is_false, missed + is_missed
    print(f"{chains:,} chains, {claims:,} claims, {false} false; {changed:,} claims made false, {missed} not noticed")


if __name__ == "__main__":
    main()
