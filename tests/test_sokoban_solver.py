"""The Sokoban solver as a whole: every kind of level gets its status, plans are proven or shortened, and memory is bounded."""

import subprocess
import sys

import pytest
from sokoban_twin import Twin
from test_sokoban_corrals import scattered

from games.errors import UsageError
from games.process import reversed_of
from games.sokoban.board import compile_level
from games.sokoban.generator import generate
from games.sokoban.levels import Level, parse_levels
from games.sokoban.lurd import replay
from games.sokoban.pushes import pushes_model
from games.sokoban.worlds import SokobanWorld
from planners.budget import Budget, new_cost
from planners.catalogue import find_planner
from planners.episode import play
from planners.search.best_first_search import EXHAUSTED, Search
from planners.search.best_first_search import SOLVED as END
from planners.search.portfolio import BOTH_WAYS
from planners.status import SOLVED, UNSOLVABLE
from workbench.bench import planning_levels
from workbench.planning.run import episode_record

pytestmark = pytest.mark.slow  # to compile; tests/test_sokoban_search.py has a sample

SOLVER = "sokoban-solver"
UNSOLVABLE_LEVELS = {
    "corner": "#####\n#$ .#\n#  @#\n#####",
    "wall without a goal": "######\n#  $ #\n#  @ #\n# .  #\n######",
    "two boxes along a wall": "#######\n# $$  #\n# @   #\n#..   #\n#######",
    "square of boxes": "########\n#@     #\n# $$ ..#\n# $$ ..#\n########",
    "more on a line than its goals": "#######\n#.$ $ #\n#  @  #\n#   . #\n#######",
    "tunnel": "#########\n##### ###\n#@ $ $.##\n##### ###\n#####.###\n#########",
    "the player is shut in": "########\n#@$$ ..#\n########",
    "one box blocks the other's way": "########\n#@$  $.#\n######.#\n########",
    "a box in a dead end": "#######\n#  @ .#\n### ###\n###$###\n### ###\n#######",
    "parity of a corridor": "##########\n#@ $.    #\n###$######\n###  .####\n##########",
}


ALL = ((SOLVER, {}), (SOLVER, {"turn": 2}))  # A* alone has the first turn, which may be short


def alone(level, member):
    """Return the search of a member of the portfolio at its end."""
    model, start = pushes_model(compile_level(level))
    back, roots = reversed_of(model, start)
    search = Search(back if member.backwards else model, roots if member.backwards else start, member.way, 1 << 28)
    search.advance(1 << 30, new_cost(), Budget().limits())
    return search


def asked(level, planner=SOLVER, params=None, **limits):
    """Return the episode on a level, with what is recorded of it."""
    world = SokobanWorld("test", [level], horizon=5000)
    episode = play(world.instance(0), find_planner(planner, params or {}), Budget(**limits))
    return episode, episode_record(0, world, episode)


@pytest.mark.parametrize("name", UNSOLVABLE_LEVELS)
def test_what_cannot_be_solved_is_proven(name):
    (level,) = parse_levels(UNSOLVABLE_LEVELS[name])
    assert Twin(level).fewest_pushes() is None
    for planner, params in (("astar", {}), ("idastar", {}), *ALL):
        episode, record = asked(level, planner, params)
        assert episode.status == UNSOLVABLE and "optimal" not in record
    for member in BOTH_WAYS:
        assert alone(level, member).status == EXHAUSTED, member.name


def test_one_box_none_left_and_boxes_out_of_reach():
    (one,) = parse_levels("######\n#@ $.#\n######")
    (solved,) = parse_levels("######\n#@ * #\n######")
    (apart,) = parse_levels("##########\n#@ $.##* #\n#     #  #\n##########")
    for level, pushes in ((one, 1), (solved, 0), (apart, 1)):
        for planner, params in (("astar", {}), ("idastar", {}), *ALL):
            episode, record = asked(level, planner, params)
            assert episode.status == SOLVED and record["pushes"] == pushes
            assert record.get("optimal", pushes == 0) is True
        for member in BOTH_WAYS:
            search = alone(level, member)
            assert search.status == END and len(search.line()) == pushes, member.name


def hall(rows, columns, boxes):
    """Return a level of a large hall: boxes in every third row and column, the goals beside them."""
    cells = [[" "] * (columns - 2) for _ in range(rows - 2)]
    places = [(r, c) for r in range(2, rows - 4, 3) for c in range(2, columns - 5, 4)][:boxes]
    for r, c in places:
        cells[r][c], cells[r][c + 2] = "$", "."
    cells[0][0] = "@"
    return Level(("#" * columns, *("#" + "".join(row) + "#" for row in cells), "#" * columns), "hall")


def test_a_level_of_47_by_42_cells_with_44_boxes():
    level = hall(42, 47, 44)
    for planner, params in (("astar", {}), *ALL):
        episode, record = asked(level, planner, params, expansions=20_000)
        assert episode.status == SOLVED and record["pushes"] == 88 and record["optimal"]
        assert replay(level, record["solution"]).solved


def test_optimal_is_said_of_proven_plans_alone():
    proven = 0
    for seed in range(40):
        level = scattered(seed, 5, 6, 3, 0.2, pulls=40)
        if level is None:
            continue
        fewest = Twin(level).fewest_pushes()
        for turn in (2, 4000):
            _, record = asked(level, params={"turn": turn})
            if fewest:
                assert record["pushes"] == fewest or record["optimal"] is False
                assert record["member"] == "astar" or turn == 2
                proven += record["optimal"]
        for planner in ("astar", "idastar", "wastar", "greedy-best-first"):
            _, record = asked(level, planner)
            if fewest:
                assert record["optimal"] is (planner in ("astar", "idastar"))
    assert proven > 30


def test_spare_time_shortens_plans_and_is_repeated():
    shorter = 0
    for seed in range(30):
        level = generate(seed, 8, 8, 4, 1.0)
        plain, first = asked(level, params={"turn": 2})
        episode, record = asked(level, params={"turn": 2, "improve": True}, expansions=60_000)
        assert episode.status == SOLVED and record["pushes"] <= first["pushes"] and replay(level, record["solution"]).solved
        assert asked(level, "astar")[1]["pushes"] == record["pushes"] or not record["optimal"]
        shorter += record["pushes"] < first["pushes"]
        again, _ = asked(level, params={"turn": 2, "improve": True}, units=episode.decisions[0].units)
        assert again.actions == episode.actions and plain.decisions[0].units <= episode.decisions[0].units
    assert shorter > 3


def test_memory_is_bounded():
    """A child searches a hard level for long within 64 MB of nodes; its greatest size is seen."""
    code = f"""
import resource, sys
sys.path[:0] = {sys.path!r}
from test_sokoban_solver import *
from games.random import stream
level = generate(5, 14, 14, 9, 1.0)
asked(level, expansions=6000, params={{"memory": 64, "turn": 4}})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
world = SokobanWorld("test", [generate(7, 16, 16, 12, 1.0)])
planner = find_planner(SOLVER, {{"memory": 64, "turn": 4}})
planner.begin(world.instance(0), stream("x"))
planner.decide(world.instance(0).start, None, Budget(expansions=300_000))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(found.stdout) < 110 << 10  # KiB


def test_collections_are_measured_as_wholes(tmp_path):
    text = "######\n#@ $.#\n######\n\n######\n#@$ .#\n######\n"
    for name in ("set/hard/000.txt", "set/hard/001.txt", "set/own.xsb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert list(planning_levels.collections([str(tmp_path)])) == ["set/hard", "own"]
    assert planning_levels.count([str(tmp_path)]) == 4
    found = planning_levels.run(repeats=1, tell=lambda text: None, levels=[str(tmp_path)])["levels"]
    assert [(row["levels"], row["within_1s"], row["within_10s"], row["proven"], row["over_optimum"]) for row in found] == [
        *2 * [(4, 4, 4, 4, 0.0)], *2 * [(2, 2, 2, 2, 0.0)],
    ]  # fmt: skip
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match="has no levels"):
        planning_levels.collections([str(tmp_path / "none")])
