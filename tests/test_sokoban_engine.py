"""The Sokoban engines against a plain twin, the generator, ProAct's rules, and what is proven dead against brute force."""

import numpy as np
import pytest
from sokoban_twin import Twin

from games.errors import GameplanError, UsageError
from games.jit import njit
from games.process import apply, cost, dead, distance, goal, key, legal, playout, potential, push_playout, score
from games.random import below, stream
from games.sokoban.board import compile_level
from games.sokoban.generator import generate
from games.sokoban.levels import check_level, parse_levels
from games.sokoban.lurd import replay, unpack
from games.sokoban.moves import moves_model
from games.sokoban.pushes import pushes_model
from games.worlds import load_world


@njit
def trace(model, start, rng, states, actions, rewards, counts, wins):
    """Random play, begun again at the end and every 150 actions; actions[t] is -1 where an episode begins."""
    state, ids = start.copy(), np.empty(model.actions, np.int64)
    age = 0
    for t in range(len(actions)):
        states[t] = state
        wins[t] = goal(model, state)
        counts[t] = legal(model, state, ids)
        if counts[t] == 0 or age == 150:
            state[:] = start
            actions[t], age = -1, 0
        else:
            actions[t] = ids[below(rng, counts[t])]
            rewards[t] = apply(model, state, actions[t])
            age += 1


def played(model, start, steps, *seed):
    states, counts = np.empty((steps, model.width), np.int64), np.empty(steps, np.int64)
    actions, rewards, wins = np.empty(steps, np.int64), np.zeros(steps), np.empty(steps, np.bool_)
    trace(model, start, stream(*seed), states, actions, rewards, counts, wins)
    return zip(states, actions.tolist(), rewards.tolist(), counts.tolist(), wins.tolist(), strict=True)


def seen(compiled, state):
    """Return a state as the twin has it."""
    boxes = np.flatnonzero(np.unpackbits(state[: compiled.board.words].view(np.uint8), bitorder="little"))
    return compiled.place(int(state[compiled.board.words])), frozenset(map(compiled.place, boxes.tolist()))


@pytest.mark.parametrize(("rows", "columns", "boxes", "steps"), [(6, 6, 2, 28_000), (9, 14, 5, 4_000), (20, 25, 9, 1_500)])
def test_moves_agree_with_the_twin(rows, columns, boxes, steps):
    level = generate(3, rows, columns, boxes, 0.3)
    twin, compiled = Twin(level), compile_level(level)
    for explicit, masked in ((False, True), (True, True), (True, False)):
        model, start = moves_model(compiled, explicit, masked)
        state = twin.start
        for got, action, reward, count, won in played(model, start, steps, "m", rows, explicit, masked):
            assert seen(compiled, got) == state and won == twin.solved(state)
            options = [(d, k) for k in ((0, 1) if explicit else (2,)) for d in range(4)]
            results = [twin.move(state, d, walk=k != 1, push=k != 0) for d, k in options]
            assert count == (0 if won else sum(after != state for after, _ in results) if masked else len(options))
            if action < 0:
                state = twin.start
                continue
            state, expected = results[action]
            assert reward == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("rows", "columns", "boxes", "steps"), [(6, 6, 2, 2_000), (9, 14, 5, 500), (20, 25, 9, 200)])
def test_pushes_agree_with_the_twin(rows, columns, boxes, steps):
    level = generate(4, rows, columns, boxes, 0.3)
    twin, compiled = Twin(level), compile_level(level)
    live = {
        compiled.place(c)
        for c in range(compiled.board.cells)
        if compiled.board.table[compiled.board.live + (c >> 6)] >> (c & 63) & 1
    }
    assert live <= twin.live()
    for minimise, prune in (("pushes", False), ("moves", True)):
        model, start = pushes_model(compiled, minimise=minimise, prune=prune)
        state = twin.start
        for got, action, reward, count, won in played(model, start, steps, "p", rows, minimise):
            player, placed = seen(compiled, got)
            assert placed == state[1] and won == twin.solved(state)
            assert player == (min(twin.region(state)) if minimise == "pushes" else state[0])
            pushes = twin.pushes(state)
            assert count == (0 if won else sum(not prune or twin.push(state, *p)[0][1] - state[1] <= live for p in pushes))
            if action < 0:
                state = twin.start
                continue
            push = (compiled.place(action >> 2), action & 3)
            assert push in pushes
            state, expected = twin.push(state, *push)
            assert reward == pytest.approx(expected, abs=1e-12)


@njit
def judged(model, states, numbers):
    for t in range(len(states)):
        numbers[t, 0], numbers[t, 1] = 1.0 if dead(model, states[t]) else 0.0, distance(model, states[t])
        numbers[t, 2] = potential(model, states[0], states[t])


def test_dead_states_cannot_be_solved_and_bounds_are_bounds():
    lost = frozen = 0
    for seed in range(8):
        level = generate(seed, 5, 5, 2 + seed % 2, 0.4)
        twin, compiled = Twin(level), compile_level(level)
        model, start = pushes_model(compiled)
        squares, _ = pushes_model(compiled, deadlocks=1)
        found = {tuple(state): state.copy() for state, *_ in played(model, start, 60, "dead", seed)}
        states = [start, *found.values()]
        numbers, fewer = np.empty((len(states), 3)), np.empty((len(states), 3))
        judged(model, np.array(states), numbers)
        judged(squares, np.array(states), fewer)
        for state, (is_dead, bound, worth), (on_square, _, _) in zip(states, numbers, fewer, strict=True):
            exact = twin.fewest_pushes(seen(compiled, state))
            if exact is None:
                lost += 1
            else:
                assert not is_dead and bound <= exact
            assert is_dead >= on_square
            frozen += is_dead > on_square
            assert worth == pytest.approx(np.exp(-bound / model.h0))
    assert lost > 50 and frozen > 3


def test_generated_levels_are_solvable_by_their_solution():
    for seed in range(60):
        level = generate(seed, 3 + seed % 8, 4 + seed % 6, 1 + seed % 4 if seed % 8 > 2 else 1, seed % 11 / 10)
        check_level(level)
        assert replay(level, level.solution).solved
    assert generate(5).rows == generate(5).rows != generate(6).rows
    with pytest.raises(UsageError, match="20 boxes"):
        generate(0, 3, 3, 20)


def test_checker_catches_impossible_and_miswritten_moves():
    (level,) = parse_levels("#####\n#@$.#\n#####")
    assert replay(level, "R") == (1, 1, 1, 1, True)
    assert unpack("3r2(uL) D") == "rrruLuLD"
    for wrong in ("r", "l", "RR", "x"):
        with pytest.raises(GameplanError, match="solution"):
            replay(level, wrong)


PROACT = """
#######
#@$?  #
# $   #
#  *  #
#  ?  #
#######
"""


def test_proact_rewards_case_by_case():
    (level,) = parse_levels(PROACT)
    compiled = compile_level(level)
    model, state = moves_model(compiled, explicit=True, masked=False, deadlocks=0)
    walk, push = dict(zip("udlr", range(4), strict=True)), dict(zip("udlr", range(4, 8), strict=True))
    script = [
        (walk["u"], -0.1), (walk["r"], -0.1), (push["l"], -0.1), (push["d"], -0.1),  # wall, box, nothing to push
    ]  # fmt: skip
    before = state.copy()
    for k, (action, reward) in enumerate(script):
        assert apply(model, state, action) == pytest.approx(reward), k
        assert (state == before).all()
    assert apply(model, state, push["r"]) == pytest.approx(0.9)  # onto a goal
    assert apply(model, state, push["r"]) == pytest.approx(-1.1)  # off it
    assert apply(model, state, walk["l"]) == pytest.approx(-0.1)
    (small,) = parse_levels("######\n#@$? #\n#  $?#\n######")
    twin = Twin(small)
    model, state = moves_model(compile_level(small), explicit=True, masked=False, deadlocks=0)
    assert apply(model, state, push["r"]) == pytest.approx(0.9)
    for action, reward in ((walk["d"], -0.1), (push["r"], 10.9)):
        assert apply(model, state, action) == pytest.approx(reward)
    assert goal(model, state) and legal(model, state, np.empty(8, np.int64)) == 0
    assert twin.solved(seen(compile_level(small), state))


def test_proact_observations_and_actions():
    world = load_world("sokoban-proact")
    instance = world.instance(0)
    text = world.text(instance, instance.start)
    assert set(text) <= set("# ?*$@+\n") and text.count("?") + text.count("*") + text.count("+") == 2
    assert {len(row) for row in text.split("\n")} == {7}
    symbols = load_world("sokoban-proact", {"variant": "symbol"})
    expected = text.translate(str.maketrans(" ?*$@", "_O√BP"))
    assert symbols.text(symbols.instance(0), instance.start) == expected
    assert [world.action_name(instance, instance.start, a) for a in (0, 7)] == ["up", "push right"]
    assert load_world("sokoban-proact", {"variant": "action"}).instance(0).model.actions == 4
    assert (len(world), len(load_world("sokoban-proact", {"variant": "extra"}))) == (6, 2)
    assert instance.horizon == 200


def test_outcome_reports_a_checked_solution_and_boxes_at_best(tmp_path):
    path = tmp_path / "one.xsb"
    path.write_text("#####\n#@  #\n# $ #\n#  .#\n#####\n", "utf-8")
    for actions, plan in (("pushes", None), ("moves", [3, 1, 2, 1, 3])):
        world = load_world("sokoban", {"levels": str(path), "actions": actions})
        instance = world.instance(0)
        compiled = instance.extra["compiled"]
        plan = plan or [4 * compiled.cell(2, 2) + 1, 4 * compiled.cell(3, 2) + 3]
        states, rewards = [instance.start.copy()], []
        for action in plan:
            states.append(states[-1].copy())
            rewards.append(apply(instance.model, states[-1], action))
        outcome = world.outcome(instance, states, plan, rewards)
        assert outcome["solved"] and outcome["score"] == 1.0 and outcome["pushes"] == 2 and outcome["solution"] == "rDldR"
        assert outcome["most_on_goals"] == outcome["boxes"] == 1
    with pytest.raises(UsageError, match="no level 1"):
        world.instance(1)
    with pytest.raises(UsageError, match="SHA-256"):
        load_world("sokoban-proact", {"levels": str(path)})
    assert len(load_world("sokoban-proact", {"levels": str(path), "check": "no"})) == 1
    with pytest.raises(UsageError, match="the levels are 1-1"):
        load_world("sokoban", {"levels": str(path), "range": "2"})


@pytest.mark.slow
def test_score_of_a_step_is_flares():
    (level,) = parse_levels("#######\n#@    #\n# $ . #\n#     #\n#######")
    compiled = compile_level(level)
    model, start = pushes_model(compiled)
    box = compiled.cell(2, 2)
    for direction, expected in ((3, 0.75), (1, 0.0)):  # nearer by one push; onto the wall, where it is dead
        after = start.copy()
        reward = apply(model, after, 4 * box + direction)
        assert score(model, start, 4 * box + direction, after, reward) == pytest.approx(expected)
    assert key(model, start) != key(model, after)
    walking, state = pushes_model(compiled, minimise="moves")
    assert cost(walking, state, 4 * box + 3) == 1 + 2**-13 + 1  # one step, then the push
    assert cost(model, start, 4 * box + 3) == 1


@njit
def short_playouts(model, start, rng, steps, by_pushes, states, totals):
    for t in range(len(totals)):
        states[t] = start
        if by_pushes:
            totals[t], _ = push_playout(model, states[t], steps, 0.5, rng)
        else:
            totals[t], _ = playout(model, states[t], steps, 0.5, rng)


@pytest.mark.parametrize(("rows", "boxes"), [(6, 3), (12, 6)])
def test_playouts_draw_uniformly_and_add_up_rewards(rows, boxes):
    level = generate(2, rows, rows, boxes, 0.3)
    twin, compiled = Twin(level), compile_level(level)
    live = compiled.board.table[compiled.board.live :]
    n, cases = 6000, []
    for model, start in (
        moves_model(compiled),
        moves_model(compiled, explicit=True, masked=False),
        pushes_model(compiled, minimise="moves"),
    ):
        for by_pushes in (False, True):
            states, totals = np.empty((n, model.width), np.int64), np.empty(n)
            short_playouts(model, start, stream("uniform", rows), 2, by_pushes, states, totals)
            cases.append((model, by_pushes, states, totals))
    for model, by_pushes, states, totals in cases:

        def options(state, model=model, by_pushes=by_pushes):
            """Return the (state, reward) of every action, as the twin has them."""
            if twin.solved(state):
                return []
            if by_pushes or "push_cost" in model._fields:
                after = [twin.push(state, *push) for push in twin.pushes(state)]
                cells = [compiled.cell(*next(iter(s[1] - state[1]))) for s, _ in after]
                return [x for x, c in zip(after, cells, strict=True) if not by_pushes or live[c >> 6] >> (c & 63) & 1]
            kinds = ((True, False), (False, True)) if model.explicit else ((True, True),)
            after = [twin.move(state, d, *kind) for kind in kinds for d in range(4)]
            return [x for x in after if not model.masked or x[0] != state]

        expected = {}
        for first, reward in options(twin.start):
            rest = options(first) or [(first, 0.0)]
            for second, later in rest:
                mark = (second, round(reward + 0.5 * later, 9))
                expected[mark] = expected.get(mark, 0.0) + n / len(options(twin.start)) / len(rest)
        got = {}
        for state, total in zip(states, totals.tolist(), strict=True):
            mark = (seen(compiled, state), round(total, 9))
            got[mark] = got.get(mark, 0) + 1
        assert set(got) <= set(expected)
        surprise = sum((got.get(mark, 0) - mean) ** 2 / mean for mark, mean in expected.items())
        assert surprise < len(expected) + 5 * (2 * len(expected)) ** 0.5  # chi-squared: five standard deviations above its mean
        if "start_h" in model._fields:
            for state in states[:50]:
                assert state[-1] == len(twin.goals - seen(compiled, state)[1])
