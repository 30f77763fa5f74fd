"""Sokoban backwards: pulls undo pushes, all ends have a root, bounds are bounds, and both directions tell the same."""

import numpy as np
import pytest
from sokoban_twin import Twin
from test_sokoban_corrals import scattered

from games.jit import njit
from games.process import apply, distance, goal, key, legal, reversed_of
from games.random import below, stream
from games.sokoban.board import compile_level
from games.sokoban.generator import generate
from games.sokoban.pushes import pushes_model
from planners.budget import Budget, new_cost
from planners.search.best_first_search import EXHAUSTED, MET, RUNNING, SOLVED, Search, Way
from planners.search.portfolio import priced

WAYS = {
    "forwards": (False, Way(1.0, 1.0)), "backwards": (True, Way(1.0, 1.0)), "weighted backwards": (True, Way(1.0, 3.0)),
    "changes": (False, Way(1.0, 1.0, True, True)), "backwards by changes": (True, Way(1.0, 1.0, True)),
    "backwards by features": (True, Way(1.0, 3.0, False, True)),
}  # fmt: skip
OPTIMAL = ("forwards", "backwards")


@njit
def done(model, state, action):
    """Return the state after `action`, or nothing where it is not legal."""
    actions, after = np.empty(model.actions, np.int64), state.copy()
    for k in range(legal(model, state, actions)):
        if actions[k] == action:
            apply(model, after, action)
            return after
    return after[:0]


@njit
def options(model, state):
    actions = np.empty(model.actions, np.int64)
    return actions[: legal(model, state, actions)]


@njit
def told(model, state):
    return key(model, state), distance(model, state), goal(model, state)


def rooms():
    """Return rooms of one and of several words, solvable and not."""
    levels = [generate(seed, 5 + seed % 3, 6, 2 + seed % 3, 0.5) for seed in range(6)]
    levels += [generate(1, 14, 12, 4, 0.2), generate(2, 9, 9, 8, 0.1)]
    return levels + [level for level in (scattered(seed, 5, 6, 3, 0.2) for seed in range(6)) if level]


def test_every_pull_undoes_a_push():
    tried = 0
    for number, level in enumerate(rooms()):
        model, start = pushes_model(compile_level(level))
        pulls, _ = reversed_of(model, start)
        rng, state, line = stream("pulls", number), start.copy(), []
        for _ in range(60):
            actions = options(model, state)
            if len(actions) == 0:
                break
            before, action = state.copy(), actions[below(rng, len(actions))]
            apply(model, state, action)
            line.append(action)
            if told(pulls, state)[2]:
                continue
            assert told(pulls, state)[0] == told(model, state)[0]
            assert done(pulls, state, action).tolist() == before.tolist()
            bound = told(pulls, state)[1]
            assert bound <= len(line)  # so many pulls lead to the start
            tried += 1
        for pull in options(pulls, state):  # and what a pull leads to, its push undoes
            back = done(pulls, state, pull)
            assert told(model, back)[2] or done(model, back, pull).tolist() == state.tolist()
    assert tried > 100


def test_there_is_a_root_for_every_region_around_the_solved_boxes():
    several = 0
    for seed in range(80):
        level = scattered(seed, 5, 6, 5)
        if level is None:
            continue
        twin, compiled = Twin(level), compile_level(level)
        model, start = pushes_model(compiled)
        found = reversed_of(model, start)
        left, regions = twin.area - twin.goals, set()
        while left:
            region = twin.region((min(left), twin.goals))
            regions.add(min(region))
            left -= region
        assert {compiled.place(int(root[-1])) for root in found[1]} == regions
        assert all(told(model, root)[2] for root in found[1])
        several += len(regions) > 1
    assert several > 5


def test_there_are_none_where_walks_count():
    compiled = compile_level(generate(1))
    for minimise in ("moves", "pushes-moves"):
        assert reversed_of(*pushes_model(compiled, minimise=minimise)) is None


def ended(level, name, together=None):
    """Return (status, actions of the plan) of a search of a level, or of two that meet."""
    model, start = pushes_model(compile_level(level))
    back, roots = reversed_of(model, start)
    searches = []
    for each in (name, *([together] if together else [])):
        backwards, way = WAYS[each]
        searches.append((backwards, Search(back if backwards else model, roots if backwards else start, way, 1 << 28)))
    if together:
        searches[0][1].meet(searches[1][1])
        searches[1][1].meet(searches[0][1])
    cost, limit = new_cost(), Budget().limits()
    for turn in range(200_000):
        backwards, search = searches[turn % len(searches)]
        search.advance(7, cost, limit)
        if search.status != RUNNING:
            break
    line = search.line()
    if search.status == MET:
        there = searches[(turn + 1) % 2][1].line(int(search.nodes.filled[-1]))
        line, there = (there, line) if backwards else (line, there)
        line += there[::-1]
    elif backwards:
        line = line[::-1]
    if search.status in (SOLVED, MET):
        assert priced(model, start, np.array(line, np.int64)) == len(line)
    return (SOLVED if search.status == MET else search.status), len(line)


def test_all_ways_tell_the_same():
    """The same at large: python -m tests.fuzz.sokoban."""
    verdicts = {SOLVED: 0, EXHAUSTED: 0}
    for seed in range(90):
        level = scattered(3000 + seed, 4 + seed % 2, 6, 2 + seed % 3, 0.2, pulls=40 * (seed % 3 > 0))
        if level is None:
            continue
        fewest = Twin(level).fewest_pushes()
        for name in WAYS:
            status, length = ended(level, name)
            assert status == (EXHAUSTED if fewest is None else SOLVED), (name, level.text)
            if fewest is not None:
                assert length == fewest if name in OPTIMAL else length >= fewest, (name, level.text)
        for name, together in (("changes", "backwards by features"), ("backwards", "forwards")):
            assert ended(level, name, together)[0] == status, (name, level.text)
        verdicts[status] += 1
    assert min(verdicts.values()) > 15


@pytest.mark.parametrize("together", ["backwards", "backwards by features", "backwards by changes"])
def test_meetings_are_joined_and_replayed(together):
    for level in rooms():
        alone = ended(level, "forwards")
        status, length = ended(level, "changes", together)
        assert status == alone[0] and (status == EXHAUSTED or length >= alone[1])
