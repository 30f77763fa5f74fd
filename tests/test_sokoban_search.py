"""Searches against brute force: optimal lengths, exhaustion, bounds of the weighted ones, and plans that the checker accepts."""

import hashlib
import os
from pathlib import Path

import pytest
from sokoban_twin import Twin

from games.errors import UsageError
from games.python_model import PythonModel
from games.random import stream
from games.sokoban.generator import generate
from games.sokoban.levels import parse_levels, read_levels
from games.sokoban.proact import PROACT_SHA256
from games.sokoban.worlds import SokobanWorld
from games.world import Instance
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.episode import play
from planners.status import BUDGET, SOLVED, UNSOLVABLE


def solved(planner, level, budget=None, **rules):
    """Return the outcome of an episode on a solvable level; giving up, above all by exhaustion, is an error."""
    world = SokobanWorld("test", [level], horizon=1000, **rules)
    episode = play(world.instance(0), planner, budget or Budget())
    assert episode.status == SOLVED, (level.text, episode.note)
    return world.outcome(episode.instance, episode.states, episode.actions, episode.rewards), episode


def small(seed):
    return generate(seed, 4 + seed % 2, 4 + seed // 2 % 2, 1 + seed % 3 if seed % 5 else 2, seed % 7 / 6)


def test_optimal_on_200_levels_by_pushes_and_by_moves():
    planner = find_planner("astar")
    for seed in range(200):
        level = small(seed)
        twin = Twin(level)
        fewest_moves, fewest_pushes = twin.fewest_moves()[0], twin.fewest_pushes()
        by_pushes, _ = solved(planner, level)
        by_moves, _ = solved(planner, level, minimise="moves")
        by_both, _ = solved(planner, level, minimise="pushes-moves")
        assert by_pushes["pushes"] == by_both["pushes"] == fewest_pushes
        assert by_moves["moves"] == fewest_moves
        assert by_both["moves"] <= by_pushes["moves"] and by_moves["pushes"] >= fewest_pushes


def test_other_searches_against_astar():
    levels = [small(seed) for seed in range(20)] + [generate(seed, 6, 7, 3, 0.7) for seed in range(10)]
    levels += [generate(1, 14, 12, 4, 0.2), generate(2, 9, 9, 8, 0.1)]  # several words a state; matching by augmenting paths
    astar, ida, portfolio = find_planner("astar"), find_planner("idastar"), find_planner("sokoban-solver", {"turn": 50})
    for weight in (1.5, 3.0):
        weighted = find_planner("wastar", {"bound_weight": weight})
        for level in levels:
            assert solved(weighted, level)[0]["pushes"] <= weight * solved(astar, level)[0]["pushes"]
    for level in levels:
        best = solved(astar, level)[0]["pushes"]
        assert solved(ida, level)[0]["pushes"] == best
        for planner in (portfolio, find_planner("greedy-best-first")):
            assert solved(planner, level)[0]["pushes"] >= best
    for level in levels[:10]:
        assert solved(ida, level, minimise="moves")[0]["moves"] == solved(astar, level, minimise="moves")[0]["moves"]


@pytest.mark.parametrize("planner", ["astar", "wastar", "greedy-best-first", "idastar", "sokoban-solver"])
def test_unsolvable_is_told_from_limited(planner):
    (lost,) = parse_levels("########\n#@ $ . #\n#      #\n#  $   #\n#$ . .##\n########")  # the last box stays at its wall
    assert Twin(lost).fewest_pushes() is None
    world = SokobanWorld("test", [lost, generate(3, 8, 8, 4, 1.0)], deadlocks="off")
    assert play(world.instance(0), find_planner(planner), Budget()).status == UNSOLVABLE
    episode = play(world.instance(1), find_planner(planner), Budget(expansions=3))
    assert episode.status == BUDGET and episode.note.startswith("limit reached after 3 exp") and episode.cost[1] == 3


def test_a_timed_search_is_repeated_from_its_units():
    level = generate(3, 8, 8, 4, 1.0)
    for name in ("astar", "idastar", "sokoban-solver"):
        planner = find_planner(name)
        outcome, episode = solved(planner, level, Budget(seconds=60.0))
        units = episode.decisions[0].units
        again, repeated = solved(planner, level, Budget(units=units))
        assert again["solution"] == outcome["solution"] and repeated.decisions[0].units == units


def test_partial_plans_where_the_budget_ends_first():
    level = generate(3, 8, 8, 4, 1.0)
    world = SokobanWorld("test", [level], horizon=40)
    episode = play(world.instance(0), find_planner("astar", {"partial": True}), Budget(expansions=10))
    assert len(episode.actions) > 5 and len(episode.decisions) > 1
    with pytest.raises(UsageError, match=r"path_weight=-1\.0 is not possible"):
        find_planner("astar", {"path_weight": -1})


class Maze:
    """Steps on a grid with costs, in Python."""

    def legal(self, state):
        x, y = state
        return (
            []
            if state == (5, 5)
            else [(dx, dy) for dx, dy in ((1, 0), (0, 1), (-1, 0), (0, -1)) if 0 <= x + dx < 6 and 0 <= y + dy < 6]
        )

    def step(self, state, action):
        return (state[0] + action[0], state[1] + action[1]), 0.0

    def goal(self, state):
        return state == (5, 5)

    def cost(self, state, action):
        return 1.0 + 3.0 * (state[0] == state[1])

    def distance(self, state):
        return float(10 - sum(state))


@pytest.mark.parametrize("planner", ["astar", "idastar"])
def test_searches_serve_python_models_with_costs(planner):
    model = PythonModel(Maze(), actions=4)
    instance = Instance("maze", 0, model, model.state((0, 0)))
    agent = find_planner(planner)
    agent.begin(instance, stream("x"))
    decision = agent.decide(instance.start, None, Budget())
    state, total = (0, 0), 0.0
    for number in decision.line:
        action = model.action(number)
        total += model.model.cost(state, action)
        state, _ = model.model.step(state, action)
    assert state == (5, 5) and total == 13.0  # ten steps and the first cell's 3: no way passes (k, k) again


def counts(level):
    """Return (optimal moves, states until solved with dead squares, without), as ProAct's table counts them."""
    twin = Twin(level)
    return (*twin.fewest_moves(twin.live()), twin.fewest_moves()[1])


def test_published_lengths_and_state_counts():
    """With ``GAMEPLAN_PROACT_LEVELS``, the path of ProAct's levels, its table is checked; without, generated levels alone."""
    planner = find_planner("astar")
    for seed in range(5):
        level = generate(seed, 5, 6, 2, 1.0)
        fewest, pruned, unpruned = counts(level)
        assert solved(planner, level, minimise="moves")[0]["moves"] == fewest and pruned <= unpruned
    path = os.environ.get("GAMEPLAN_PROACT_LEVELS")
    if path:
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == PROACT_SHA256
        levels = read_levels(path)
        lengths = [solved(planner, level, minimise="moves")[0]["moves"] for level in levels]
        assert lengths == [14, 26, 24, 12, 25, 41, 18, 32]
        table = {
            0: (14, 284, 703),
            2: (24, 18464, 29506),
            3: (12, 372, 515),
            4: (25, 831, 2764),
            6: (18, 763, 2016),
            7: (32, 1487, 5214),
        }
        assert {k: counts(levels[k]) for k in table} == table
        assert counts(levels[1]) == (26, 62880, 492980) and counts(levels[5]) == (41, 116049, 1510603)
