"""Searches of Sokoban set against each other: plain A* against corrals and walls, all members of the portfolio, and the portfolio itself.

    python -m tests.fuzz.sokoban --inputs 4000 --seed 0
    python -m tests.fuzz.sokoban --inputs 0 --levels DIRECTORY

Inputs are random placements of boxes in small rooms, of which everything is known by exhaustion, and the levels of collections (a
file, or files .xsb and .txt below a directory), up to so many expansions: lengths must be equal where both solve, and no level that
one solves may be unsolvable for another. Where walks count, A* is set against itself without dominance and lost corrals. A finding
is printed with its level.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from games.process import reversed_of
from games.sokoban.board import compile_level
from games.sokoban.levels import Level, read_levels
from games.sokoban.pushes import FREEZE, WALLS, pushes_model
from games.sokoban.weighed import weighed
from planners.budget import Budget, new_cost
from planners.search.best_first_search import EXHAUSTED, SOLVED, Search, Way
from planners.search.portfolio import BOTH_WAYS, Turns, priced
from tests.fuzz.report import Report

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # twins and makers of rooms are test modules

MOST = 200_000  # expansions of a search of a level of a collection
ROOM = 1 << 29


def verdicts(level: Level, most: int) -> dict[str, int | None]:
    """Return the length of every search's plan, -1 for a proof that there is none, None where it was not finished."""
    compiled = compile_level(level)
    plain, start = pushes_model(compiled, FREEZE)
    model, _ = pushes_model(compiled, WALLS)
    back, roots = reversed_of(model, start)
    searches: dict[str, Any] = {
        "plain": (Search(plain, start, Way(1.0, 1.0), ROOM), False),
        "backwards, optimal": (Search(back, roots, Way(1.0, 1.0), ROOM), True),
        "portfolio": (Turns(model, start, 64, ROOM), None),
    }
    for member in BOTH_WAYS:
        searches[member.name] = (
            Search(back if member.backwards else model, roots if member.backwards else start, member.way, ROOM), member.backwards,
        )  # fmt: skip
    found: dict[str, int | None] = {}
    limit = Budget(expansions=most).limits()
    for name, (search, backwards) in searches.items():
        search.advance(most, new_cost(), limit)
        found[name] = None
        if search.status == EXHAUSTED:
            found[name] = -1
        elif search.status == SOLVED:
            line = search.line()[::-1] if backwards else search.line()
            price = priced(plain, start, np.array(line, np.int64))
            found[name] = len(line) if price == len(line) else -2  # a plan that does not lead to a goal
    return found


def cheapest(level: Level, most: int) -> list[float | None]:
    """Return the cost of a move-optimal plan as A* finds it, and as it does without leaving anything out; as `verdicts`."""
    compiled, costs = compile_level(level), list[float | None]()
    model, start = pushes_model(compiled, WALLS, "moves")
    plain = weighed(pushes_model(compiled, FREEZE, "moves")[0], np.zeros(model.board.cells), model.push_cost)
    for each in (model, plain):
        search = Search(each, start, Way(1.0, 1.0), ROOM)
        search.advance(most, new_cost(), Budget(expansions=most).limits())
        costs.append(-1.0 if search.status == EXHAUSTED else None)
        if search.status == SOLVED:
            costs[-1] = float(priced(model, start, np.array(search.line(), np.int64)))
    return costs


def wrong(found: dict[str, int | None], known: int | None = None) -> bool:
    """Return whether verdicts contradict each other, or what is `known`: -1 unsolvable, else the fewest pushes."""
    told = [value for value in found.values() if value is not None] + ([] if known is None else [known])
    lengths = [found[name] for name in ("plain", "astar", "backwards, optimal") if (found[name] or -1) >= 0]
    lengths += [known] if known is not None and known >= 0 else []
    if -2 in told or (-1 in told and max(told) >= 0) or len(set(lengths)) > 1:
        return True
    return bool(lengths) and min(value for value in told if value >= 0) < lengths[0]  # type: ignore[operator]


def rooms(count: int, seed: int) -> Iterator[Level]:
    """Yield random placements; every third is solvable by construction."""
    from test_sokoban_corrals import scattered

    for number in range(count):
        level = scattered(f"{seed} {number}", 4 + number % 3, 5 + number % 2, 2 + number % 4, 0.2, 40 * (number % 3 == 0))
        if level is not None:
            yield level


def collections(paths: list[Path]) -> Iterator[Level]:
    """Yield the levels of files and of files below directories."""
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file == path or file.suffix in (".xsb", ".txt"):
                yield from read_levels(file)


def main() -> int:
    """Run the script; return the exit status."""
    from sokoban_twin import Twin

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.sokoban")
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--twin", action="store_true", help="also a plain breadth-first search in Python, which takes long")
    parser.add_argument("--levels", type=Path, action="append", default=[], help="a file or directory of levels; repeatable")
    options = parser.parse_args()
    taken = findings = solved = lost = 0
    longest = 0.0
    for sources, most in ((rooms(options.inputs, options.seed), 1 << 40), (collections(options.levels), MOST)):
        for level in sources:
            begin = time.process_time()
            known = None
            if options.twin and most > MOST:
                fewest = Twin(level).fewest_pushes()
                known = -1 if fewest is None else fewest
            found = verdicts(level, most)
            walked = cheapest(level, most)
            verdict = found["astar"]
            solved, lost = solved + (verdict is not None and verdict >= 0), lost + (verdict == -1)
            if wrong(found, known) or (None not in walked and walked[0] != walked[1]):
                print(f"{level.text}\n{found}, known: {known}, where walks count: {walked}", flush=True)
                findings += 1
            else:
                taken += 1
            longest = max(longest, time.process_time() - begin)
    print(f"push-optimally solved {solved}, proven unsolvable {lost}, the rest neither within {MOST:,} expansions")
    return Report("sokoban", taken, 0, findings, longest, 0).print()


if __name__ == "__main__":
    sys.exit(main())
