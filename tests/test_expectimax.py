"""Expectimax: optimal where the world is solved, the same with and without a table, budgets, and its bitboard form."""

import numpy as np
import pytest
from test_game2048 import pack, slide, unpack

from games.errors import UsageError
from games.game2048.board import FULL
from games.game2048.exact import action_values, solve
from games.game2048.heuristic import LINES
from games.jit import njit
from games.python_model import PythonModel
from games.random import stream
from games.world import Instance
from games.worlds import load_world
from planners.budget import EVALUATIONS, EXPANSIONS, HITS, TRANSITIONS, Budget
from planners.catalogue import find_planner
from planners.episode import play, step
from planners.policies import ntuple
from planners.policies.look_ups import worth_of
from planners.search.expectimax_2048 import Expectimax2048, reach_of
from workbench.bench.planning_2048 import strength


def begun(instance, **given):
    planner = find_planner("expectimax", given)
    planner.begin(instance, stream("planner"))
    return planner


def values_of(decision):
    return {known.action: known.value for known in decision.values}


def optimum(world, solution, state):
    found = action_values(world.model, solution, state)
    return {action: found[action] for action in range(4) if not np.isnan(found[action])}


@pytest.fixture(scope="module")
def solved():
    worlds = {name: load_world(name) for name in ("2048-2x2", "2048-2x3")}
    return {name: (world, solve(world.model)) for name, world in worlds.items()}


@pytest.mark.parametrize(("name", "states", "top"), [("2048-2x2", 110, 32), ("2048-2x3", 21_752, 128)])
def test_small_boards_are_counted_and_solved(solved, name, states, top):
    world, solution = solved[name]
    assert len(solution.solved_boards) == states
    assert max(world.tiles(np.array([board], np.uint64).view(np.int64)).max() for board in solution.solved_boards) == top


def plain_value(world, board, memory):
    """V* of a 2x2 board by the definition, without symmetries."""
    if board not in memory:
        best = 0.0
        state = world.state(np.array(board).reshape(2, 2))
        for action in range(4):
            after, gain = plain_slide(board, action)
            if after == board:
                continue
            empty = [k for k in range(4) if not after[k]]
            value = float(gain)
            for k in empty:
                for tile, p in ((2, 0.9), (4, 0.1)):
                    value += p / len(empty) * plain_value(world, (*after[:k], tile, *after[k + 1 :]), memory)
            best = max(best, value)
        memory[board] = (best, state)
    return memory[board][0]


def plain_slide(board, action):
    a, b, c, d = board
    lines = [[a, c], [b, d]] if action in (0, 2) else [[a, b], [c, d]]
    slid, gain = [], 0
    for line in lines:
        tiles = [tile for tile in line if tile]
        if len(tiles) == 2 and tiles[0] == tiles[1]:
            tiles = [2 * tiles[0]]
            gain += tiles[0]
        blanks = [0] * (2 - len(tiles))
        slid.append(blanks + tiles if action in (1, 2) else tiles + blanks)
    (a, b), (c, d) = slid
    return (a, c, b, d) if action in (0, 2) else (a, b, c, d), gain


def test_exact_values_are_those_of_the_definition(solved):
    world, solution = solved["2048-2x2"]
    memory = {}
    for board in ((2, 2, 0, 0), (2, 0, 0, 4), (4, 4, 0, 0)):
        plain_value(world, board, memory)
    for value, state in memory.values():
        assert max(optimum(world, solution, state).values(), default=0.0) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("name", "table", "games"), [("2048-2x2", 12, 20), ("2048-2x3", 18, 1)])
def test_deep_expectimax_plays_small_boards_optimally(solved, name, table, games):
    world, solution = solved[name]
    planner = begun(world.instance(0), depth=200, table=table, weight=0.0)
    for seed in range(games):
        state = world.instance(seed).start
        for move in range(12):
            best = optimum(world, solution, state)
            if not best:
                break
            decision = planner.decide(state, None, Budget())
            assert values_of(decision) == pytest.approx(best, rel=1e-9)
            assert best[decision.action] == pytest.approx(max(best.values()), rel=1e-9)
            state = follow(world, state, decision.action, stream("chance", seed, move))


def follow(world, state, action, rng):
    after = state.copy()
    step(world.model, after, action, rng)
    return after


def test_a_table_changes_costs_and_no_values():
    world = load_world("2048-2x3")
    state = world.read("2 4 8/4 2 .")
    for depth in (1, 2, 5):
        decisions = [begun(world.instance(0), depth=depth, table=table).decide(state, None, Budget()) for table in (0, 16)]
        assert values_of(decisions[0]) == pytest.approx(values_of(decisions[1]), rel=1e-12)
    assert decisions[1].cost[HITS] > 0 == decisions[0].cost[HITS]
    assert decisions[1].cost[TRANSITIONS] < decisions[0].cost[TRANSITIONS]


def test_growing_depths_end_with_the_exact_value(solved):
    world, solution = solved["2048-2x2"]
    state = world.instance(4).start
    decision = begun(world.instance(4)).decide(state, None, Budget(units=1 << 40))
    assert values_of(decision) == pytest.approx(optimum(world, solution, state), rel=1e-9)


class Walk:
    """A line of squares from 0 to 6: steps of 1 cost 1, a jump of 2 costs 3; 6 pays 10, and the wind may blow back by one."""

    def legal(self, state):
        return [] if state >= 6 else [1, 2]

    def step(self, state, action):
        place = min(6, state + action)
        return place, (10.0 if place == 6 else 0.0) - (1.0 if action == 1 else 3.0)

    def chance(self, state):
        return [(1.0, state)] if state >= 6 else [(0.75, state), (0.25, state - 1)]

    def potential(self, root, state):
        return state / 6


def walk_value(state, depth):
    if state >= 6:
        return 0.0
    if depth == 0:
        return 0.0
    return max(walk_action(state, action, depth) for action in (1, 2))


def walk_action(state, action, depth):
    place, reward = Walk().step(state, action)
    if depth == 1:
        return reward
    return reward + sum(p * walk_value(after, depth - 1) for p, after in Walk().chance(place))


def test_models_in_python():
    model = PythonModel(Walk(), actions=2, outcomes=2)
    instance = Instance("walk", 0, model, model.state(0))
    for depth in (1, 4, 9):
        decision = begun(instance, depth=depth, weight=0.0, table=10).decide(model.state(0), None, Budget())
        found = {model.action(known.action): known.value for known in decision.values}
        assert found == pytest.approx({action: walk_action(0, action, depth) for action in (1, 2)}, rel=1e-12)
    ahead = begun(instance, depth=1).decide(model.state(3), None, Budget())
    assert {model.action(known.action): known.value for known in ahead.values} == pytest.approx({1: -1 + 4 / 6, 2: -3 + 5 / 6})


# --- bitboards -----------------------------------------------------------------------------------------------------------------

BOARDS = ("1024 512 64 8/4 16 32 4/2 8 4 ./. 2 . .", "2 4 8 16/4 8 16 32/8 16 . 64/2 4 64 2", "2 . . ./. . . 2/. . . ./. . . .")


@pytest.mark.parametrize("text", BOARDS)
def test_bitboards_agree_with_the_definition(text):
    world = load_world("2048")
    state = world.read(text)

    def worth(board):
        lines = [*board, *zip(*board, strict=True)]
        return float(sum(LINES[sum(cell << 4 * c for c, cell in enumerate(line))] for line in lines))

    def slides(board):
        return [(a, after) for a in range(4) if (after := slide(board, a)[0]) != board]

    def mean(board, depth):
        empty = [(r, c) for r in range(4) for c in range(4) if not board[r][c]]
        total = 0.0
        for r, c in empty:
            for tile, p in ((1, 0.9), (2, 0.1)):
                rows = [list(row) for row in board]
                rows[r][c] = tile
                rows = tuple(map(tuple, rows))
                total += p * max([0.0, *(value(after, depth - 1) for _, after in slides(rows))])
        return total / len(empty)

    def value(after, depth):
        return worth(after) if depth == 0 else mean(after, depth)

    board = unpack(state.view(np.uint64)[0], 4, 4)
    for depth in (1, 2):
        decision = begun(world.instance(0), depth=depth, chance=1e-300).decide(state, None, Budget())
        expected = {action: value(after, depth - 1) for action, after in slides(board)}
        assert values_of(decision) == pytest.approx(expected, rel=1e-5)  # sums of float32


def test_bitboard_search_is_the_same_with_any_table():
    world = load_world("2048")
    for text in BOARDS[:2]:
        found = [
            begun(world.instance(0), depth=4, chance=1e-300, table=table).decide(world.read(text), None, Budget())
            for table in (0, 18)
        ]
        assert values_of(found[0]) == pytest.approx(values_of(found[1]), rel=1e-6)
        assert found[1].cost[TRANSITIONS] < found[0].cost[TRANSITIONS]


def test_probability_cuts_lines_off():
    world, state = load_world("2048"), load_world("2048").read(BOARDS[0])
    assert (reach_of(1.0), reach_of(0.5), reach_of(1 / 16)) == (0, 4, 16)
    costs = [
        begun(world.instance(0), depth=4, chance=chance).decide(state, None, Budget()).cost for chance in (0.9, 0.1, 0.001, 1e-300)
    ]
    work = [int(cost[TRANSITIONS]) for cost in costs]
    assert work[0] < work[1] < work[2] <= work[3]
    crowded = begun(world.instance(0), chance=0.05).decide(world.read(BOARDS[1]), None, Budget())
    empty = begun(world.instance(0), chance=0.05).decide(world.read(BOARDS[2]), None, Budget())
    assert crowded.cost[TRANSITIONS] > empty.cost[TRANSITIONS]


def test_budgets_hold_and_repeat():
    for name, first in (("2048", 4), ("2048-2x3", 4)):
        world = load_world(name)
        instance = world.instance(1)
        for budget, counter in (
            (Budget(units=3_000), TRANSITIONS),
            (Budget(evaluations=2_000), EVALUATIONS),
            (Budget(expansions=500), EXPANSIONS),
        ):
            episode = play(instance, find_planner("expectimax"), budget, seed=5, steps=30)
            again = play(instance, find_planner("expectimax"), budget, seed=5, steps=30)
            assert episode.actions == again.actions and (episode.cost == again.cost).all()
            most = max(limit for limit in (budget.units, budget.evaluations, budget.expansions) if limit)
            assert all(decision.cost[counter] <= most + 1100 for decision in episode.decisions)  # one node more than the limit
            assert sum(int(decision.cost[counter]) for decision in episode.decisions) > 0.2 * most * min(len(episode.decisions), 10)
        timed = play(instance, find_planner("expectimax"), Budget(seconds=1e-3), seed=5, steps=30)
        budgets = [Budget(units=decision.units) for decision in timed.decisions]
        repeated = play(instance, find_planner("expectimax"), budgets, seed=5, steps=30)
        assert repeated.actions == timed.actions
        tiny = play(instance, find_planner("expectimax"), Budget(units=1), seed=5, steps=3)
        assert all(decision.cost[EVALUATIONS] <= first for decision in tiny.decisions)


def test_expectimax_2048_is_chosen_and_plays_well():
    world = load_world("2048")
    planner = begun(world.instance(0))
    assert isinstance(planner._engine, Expectimax2048)
    assert not isinstance(begun(load_world("2048-3x3").instance(0))._engine, Expectimax2048)
    threes = load_world("3072")
    games = [play(w.instance(7), find_planner("expectimax"), Budget(units=300), seed=1, steps=400) for w in (world, threes)]
    assert games[0].actions == games[1].actions and 1.5 * sum(games[0].rewards) == sum(games[1].rewards)
    assert sum(games[0].rewards) > 3_000  # random play ends near 1,100 after 118 moves


@pytest.mark.slow
def test_whole_games_in_one_kernel_are_the_episodes():
    found = strength(1, chance=0.7)
    world = load_world("2048")
    episode = play(world.instance(0), find_planner("expectimax", {"chance": 0.7}), Budget(), seed=0)
    assert found["mean"] == sum(episode.rewards) > 3_000 and found["moves_per_game"] == len(episode.actions)
    top = world.tiles(episode.states[-1]).max()
    assert [rate for tile, rate in found["rates"].items() if tile <= top] == [1.0] * sum(tile <= top for tile in found["rates"])


def test_options_are_checked():
    for given, what in (
        ({"depth": 300}, "depth=300"),
        ({"table": 40}, "table=40"),
        ({"chance": 0.0}, "chance=0.0"),
        ({"dept": 3}, "dept"),
    ):
        with pytest.raises(UsageError, match=what):
            find_planner("expectimax", given)


def learned_2048(**given):
    world = load_world("2048")
    network = ntuple.make(world.instance(0), **{**ntuple.PARAMS, **ntuple.VALUE_PARAMS, "tuples": "17x4", **given})
    network.weights[:, 0] = 50.0 * np.random.default_rng(0).normal(size=len(network.weights))
    return world, network


def plain_learned_value(network, board, depth):
    """The value of the afterstate `board` (rows of exponents) with so many moves to look ahead, by the definition."""
    word = pack(board)
    if depth == 0:
        return float(judged(network, word))
    empty = [(r, c) for r in range(4) for c in range(4) if not board[r][c]]
    total = 0.0
    for r, c in empty:
        for tile, p in ((1, 0.9), (2, 0.1)):
            state = tuple(tuple(tile if (i, j) == (r, c) else x for j, x in enumerate(row)) for i, row in enumerate(board))
            moves = [slide(state, d) for d in range(4)]
            values = [gain + plain_learned_value(network, after, depth - 1) for after, gain in moves if after != state]
            total += p * max([0.0, *values]) / len(empty)
    return total


@njit
def judged(network, word):
    return worth_of(network, word, FULL)


@pytest.mark.slow
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_learned_value_is_what_is_left_to_gain(depth):
    world, network = learned_2048()
    state = world.read("2 4 8 16/4 2 64 4/8 16 32 2/4 8 . 4")
    engine = Expectimax2048(depth, 4, 1e-9, network)
    found = values_of(engine.decide(state, None, Budget()))
    board = unpack(state[0], 4, 4)
    for direction in range(4):
        after, gain = slide(board, direction)
        if after == board:
            assert direction not in found
        else:
            assert found[direction] == pytest.approx(gain + plain_learned_value(network, after, depth - 1), rel=1e-5)
