"""Corrals: the boxes to be pushed first against a plain twin, and that nothing is lost by leaving the others alone."""

import random

import numpy as np
import pytest
from corral_twin import to_push as twin_to_push
from sokoban_twin import Twin

from games.errors import GameplanError
from games.jit import njit
from games.process import legal, promising, successors
from games.process import notes as new_notes
from games.random import stream
from games.sokoban.board import compile_level, reach
from games.sokoban.corrals import to_push, to_push_word
from games.sokoban.generator import generate
from games.sokoban.levels import Level, check_level, parse_levels
from games.sokoban.pushes import CORRALS, FREEZE, pushes_model
from games.sokoban.worlds import SokobanWorld
from games.worlds import load_world
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.episode import play
from planners.search.portfolio import priced
from planners.status import SOLVED, UNSOLVABLE


@njit
def chosen(model, state, by_word):
    board = model.board
    found, boxes = np.empty(board.words, np.int64), np.empty(board.words, np.int64)
    reach(board, state, state[board.words], found)
    if by_word:
        boxes[0] = np.int64(to_push_word(board, np.uint64(state[0]), np.uint64(found[0])))
    else:
        to_push(board, state, found, boxes)
    return boxes


@njit
def followers(model, state):
    actions, costs = np.empty(model.actions, np.int64), np.empty(model.actions)
    states, keys = np.empty((model.actions + 1, model.width), np.int64), np.empty(model.actions, np.uint64)
    return actions[: successors(model, state, new_notes(model), actions, costs, states, keys)]


@njit
def tried(model, state):
    actions, wanted = np.empty(model.actions, np.int64), np.empty(model.actions, np.int64)
    return actions[: legal(model, state, actions)], wanted[: promising(model, state, wanted)]


def cells(compiled, words):
    bits = np.unpackbits(words.view(np.uint8), bitorder="little")
    return frozenset(map(compiled.place, np.flatnonzero(bits).tolist()))


def scattered(seed, rows, columns, boxes, walls=0.2, pulls=0):
    """Return a room with `boxes` anywhere, or pulled away from the goals at random; None where it is no level."""
    rng = random.Random(seed)
    inner = [(r, c) for r in range(1, rows + 1) for c in range(1, columns + 1) if rng.random() > walls]
    left, area = set(inner), set()
    while left:
        part, queue = set(), [left.pop()]
        for r, c in queue:
            part.add((r, c))
            for x in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
                if x in left:
                    left.remove(x)
                    queue.append(x)
        area = max(area, part, key=len)
    if len(area) < 2 * boxes + 2:
        return None
    goals = rng.sample(sorted(area), boxes)
    placed = set(goals if pulls else rng.sample(sorted(area), boxes))
    player = rng.choice(sorted(area - placed))
    for _ in range(pulls):
        reached = [player]
        for r, c in reached:
            reached += [x for x in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)) if x in area - placed and x not in reached]
        some = [
            ((r + dr, c + dc), (r, c), (r - dr, c - dc))
            for r, c in reached
            for dr, dc in ((1, 0), (0, 1), (-1, 0), (0, -1))
            if (r + dr, c + dc) in placed and (r - dr, c - dc) in area - placed
        ]
        if not some:
            break
        box, here, player = rng.choice(some)
        placed = placed - {box} | {here}
    symbols = {(False, False): " ", (False, True): ".", (True, False): "$", (True, True): "*"}
    board = [["#"] * (columns + 2) for _ in range(rows + 2)]
    for r, c in area:
        board[r][c] = symbols[(r, c) in placed, (r, c) in goals]
    board[player[0]][player[1]] = "+" if player in goals else "@"
    level = Level(tuple("".join(row) for row in board), f"{seed}")
    try:
        check_level(level)
    except GameplanError:
        return None
    return level


@pytest.mark.parametrize(
    ("rows", "columns", "boxes", "levels"), [(5, 5, 4, 150), (7, 8, 9, 100), (9, 11, 14, 100), (6, 20, 14, 60)]
)
def test_boxes_to_push_are_those_of_the_twin(rows, columns, boxes, levels):
    kinds = {"all": 0, "some": 0, "none": 0}
    for seed in range(levels):
        level = scattered(seed, rows, columns, boxes)
        if level is None:
            continue
        twin, compiled = Twin(level), compile_level(level)
        model, start = pushes_model(compiled)
        live = cells(compiled, compiled.board.table[compiled.board.live :][: compiled.board.words])
        corrals = twin_to_push(twin, twin.start, live)
        fewest = min((pushes for _, pushes in corrals), default=None)
        wanted = {twin.start[1]} if fewest is None else {s for s, p in corrals if p == fewest} if fewest else {frozenset()}
        for by_word in (False, True) if compiled.board.words == 1 else (False,):
            assert cells(compiled, chosen(model, start, by_word)) in wanted
        kinds["all" if fewest is None else "some" if fewest else "none"] += 1
    assert min(kinds.values()) > 0, kinds


def test_a_frozen_pattern_on_goals_is_no_duty():
    levels = "########\n#   *@ #\n#   #$ #\n#   # .#\n########\n\n########\n#   *@ #\n#   *$ #\n#   # .#\n########\n"
    for level in parse_levels(levels):
        compiled = compile_level(level)
        model, start = pushes_model(compiled)
        assert cells(compiled, chosen(model, start, False)) == Twin(level).start[1]
        assert cells(compiled, chosen(model, start, True)) == Twin(level).start[1]


@pytest.mark.slow  # to compile
def test_no_state_on_a_solution_is_left_without_a_push():
    pruned = 0
    for seed in range(60):
        level = generate(seed, 5 + seed % 6, 5 + seed % 9, 2 + seed % 5, 1.0)
        world = SokobanWorld("test", [level], horizon=1000)
        for planner, params in (("greedy-best-first", {}), ("wastar", {"bound_weight": 2.0})):
            plain = SokobanWorld("test", [level], deadlocks="freeze", horizon=1000)
            episode = play(plain.instance(0), find_planner(planner, params), Budget(expansions=20_000))
            model = world.instance(0).model
            for state in episode.states[:-1] if episode.status == SOLVED else ():
                some, wanted = tried(model, state)
                kept = followers(model, state)
                assert len(kept) and set(kept) <= set(wanted.tolist()) <= set(some.tolist())
                pruned += len(wanted) < len(some)
    assert pruned > 50


@pytest.mark.slow  # to compile
def test_verdicts_and_lengths_stay_on_random_placements():
    """The same at large: python -m tests.fuzz.sokoban."""
    astar, ida, told = find_planner("astar"), find_planner("idastar"), {SOLVED: 0, UNSOLVABLE: 0}
    fewer = 0
    for seed in range(200):
        level = scattered(1000 + seed, 4 + seed % 2, 6, 2 + seed % 3, 0.2, pulls=40 * (seed % 3 > 0))
        if level is None:
            continue
        fewest = Twin(level).fewest_pushes()
        expansions = []
        for deadlocks, planner in (("freeze", astar), ("corrals", astar), ("corrals", ida)):
            episode = play(SokobanWorld("test", [level], deadlocks=deadlocks, horizon=1000).instance(0), planner, Budget())
            assert episode.status == (UNSOLVABLE if fewest is None else SOLVED), level.text
            assert fewest is None or len(episode.actions) == fewest, level.text
            expansions.append(episode.cost[1])
        told[episode.status] += 1
        fewer += expansions[1] < expansions[0]
    assert min(told.values()) > 30 and fewer > 3, (told, fewer)


def test_walks_and_what_is_legal_know_no_corrals():
    world = load_world("sokoban", {"minimise": "moves"})
    for instance in map(world.instance, range(5)):
        some, wanted = tried(instance.model, instance.start)
        assert instance.model.exact and some.tolist() == wanted.tolist()
    level = generate(2, 7, 7, 4, 1.0)
    plain, _ = pushes_model(compile_level(level), FREEZE)
    model, start = pushes_model(compile_level(level), CORRALS)
    assert tried(plain, start)[0].tolist() == tried(model, start)[0].tolist()


def test_where_walks_count_corrals_tell_lost_positions_alone():
    fewer = 0
    for seed in range(40):
        level = scattered(seed, *((5, 6, 4) if seed % 2 else (8, 9, 4)), 0.2, pulls=40)  # boards of one word and of two
        if level is None:
            continue
        for minimise in ("moves", "pushes-moves"):
            costs, expansions = set(), []
            for deadlocks in ("freeze", "corrals"):
                world = SokobanWorld("test", [level], minimise=minimise, deadlocks=deadlocks, horizon=1000)
                episode = play(world.instance(0), find_planner("astar"), Budget())
                costs.add(priced(world.instance(0).model, episode.instance.start, np.array(episode.actions, np.int64)))
                expansions.append(episode.cost[1])
            assert len(costs) == 1 and episode.status == SOLVED
            fewer += expansions[1] < expansions[0]
    assert fewer > 5


@pytest.mark.slow  # to compile
@pytest.mark.parametrize("planner", ["beam", "mcts", "flare", "flat-critic", "greedy"])
def test_planners_try_only_what_has_to_be_pushed(planner):
    stream("x")
    level = next(
        level
        for level in (scattered(seed, 7, 8, 5) for seed in range(400))
        if level is not None
        and 0 < len(tried(*pushes_model(compile_level(level)))[1]) < len(tried(*pushes_model(compile_level(level)))[0])
    )
    instance = SokobanWorld("test", [level]).instance(0)
    wanted = tried(instance.model, instance.start)[1]
    agent = find_planner(planner)
    agent.begin(instance, stream("planner"))
    decision = agent.decide(
        instance.start, None, Budget(simulations=200) if planner in ("mcts", "flare", "flat-critic") else Budget()
    )
    assert decision.action in wanted and {value.action for value in decision.values} <= set(wanted.tolist())
