"""Players that stand elsewhere: what is written of them against a plain walk, and that nothing is lost by leaving positions out."""

from collections import deque

import numpy as np
import pytest
from sokoban_twin import STEPS, Twin
from test_sokoban_corrals import scattered

from games.jit import njit
from games.process import key, rivals
from games.process import notes as new_notes
from games.sokoban.board import compile_level
from games.sokoban.generator import generate
from games.sokoban.pushes import pushes_model
from games.sokoban.worlds import SokobanWorld
from planners.budget import EXPANSIONS, Budget, new_cost
from planners.catalogue import find_planner
from planners.episode import play
from planners.search.best_first_search import NODES, Search, Way
from planners.search.best_first_search import SOLVED as END
from planners.status import SOLVED, UNSOLVABLE

pytestmark = pytest.mark.slow  # to compile; tests/test_sokoban_search.py has a sample


@njit
def told(model, state):
    keys, costs = np.empty(model.actions, np.uint64), np.empty(model.actions)
    count = rivals(model, state, new_notes(model), keys, costs)
    return keys[:count], costs[:count], key(model, state)


def by_hand(twin):
    """Return {cell: steps} of where else the player may stand just after a push of one of the boxes that can be walked from."""
    player, boxes = twin.start
    steps, queue = {player: 0}, deque([player])
    while queue:
        r, c = queue.popleft()
        for dr, dc in STEPS:
            x = (r + dr, c + dc)
            if x in twin.area and x not in boxes and x not in steps:
                steps[x] = steps[r, c] + 1
                queue.append(x)
    arrived = lambda r, c: any((r + dr, c + dc) in boxes and (r - dr, c - dc) in steps for dr, dc in STEPS)  # noqa: E731
    return {cell: n for cell, n in steps.items() if n and arrived(*cell)}


@pytest.mark.parametrize(("rows", "columns", "boxes"), [(5, 6, 4), (8, 9, 8)])
def test_those_who_stand_elsewhere_are_those_of_a_plain_walk(rows, columns, boxes):
    seen = 0
    for seed in range(60):
        level = scattered(seed, rows, columns, boxes)
        if level is None:
            continue
        compiled = compile_level(level)
        model, start = pushes_model(compiled, minimise="moves")
        keys, costs, _ = told(model, start)
        wanted = {}
        for cell, steps in by_hand(Twin(level)).items():
            there = start.copy()
            there[-1] = compiled.cell(*cell)
            wanted[int(told(model, there)[2])] = model.walk_cost * steps
        assert dict(zip(map(int, keys), costs.tolist(), strict=True)) == wanted
        assert len(told(*pushes_model(compiled))[0]) == 0  # by pushes, regions are states
        seen += len(wanted) > 1
    assert seen > 20


def test_cheapest_plans_stay_and_so_do_verdicts():
    """What A* leaves out, IDA* does not; the twin knows the fewest moves."""
    kinds = {SOLVED: 0, UNSOLVABLE: 0}
    for seed in range(60):
        level = scattered(seed, 4 + seed % 2, 6, 2 + seed % 3, 0.2, pulls=40 * (seed % 3 > 0))
        if level is None:
            continue
        fewest = Twin(level).fewest_moves()[0]
        for name, minimise in (("astar", "moves"), ("wastar", "moves"), ("greedy-best-first", "moves"), ("astar", "pushes-moves")):
            world = SokobanWorld("test", [level], minimise=minimise, horizon=1000)
            episode = play(world.instance(0), find_planner(name), Budget())
            assert episode.status == (UNSOLVABLE if fewest is None else SOLVED), (name, level.text)
            moves = world.outcome(episode.instance, episode.states, episode.actions, episode.rewards)["moves"]
            if fewest is not None and minimise == "moves":
                assert moves == fewest if name == "astar" else moves >= fewest, (name, level.text)
        kinds[episode.status] += 1
    assert min(kinds.values()) > 5


def test_a_fifth_is_not_expanded_where_walks_count_and_all_is_where_turns_do():
    instance = SokobanWorld("test", [generate(8, 8, 8, 4, 1.0)], minimise="moves", deadlocks="freeze").instance(0)
    for way in (Way(1.0, 1.0), Way(1.0, 1.0, by_changes=True)):
        search, cost = Search(instance.model, instance.start, way, 1 << 28), new_cost()
        search.advance(1 << 30, cost, Budget().limits())
        assert search.status == END
        opened = np.count_nonzero(search.nodes.shut[: search.nodes.filled[NODES]] == 1)
        assert cost[EXPANSIONS] == opened if way.by_changes else cost[EXPANSIONS] < 0.8 * opened
