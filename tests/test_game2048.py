"""2048: the engine against a plain twin, OpenSpiel and published random play; its distributions; the variants' rules."""

import numpy as np
import pyspiel
import pytest

from games.dispatch import plain
from games.game2048.board import FULL, canonical, random_direction, random_games, shape
from games.jit import njit
from games.process import apply, chance, draw, key, legal, playout, potential, score, terminal
from games.random import below, stream
from games.worlds import WORLDS, load_world

STANDARD = [name for name in WORLDS if name.startswith(("2048", "3072")) and "proact" not in name]
PROACT = [name for name in WORLDS if name.startswith(("2048", "3072")) and "proact" in name]


# --- the twin: boards are tuples of rows of exponents -----------------------------------------------------------------------


def slide_row(row):
    """Slide to the left: next tile, merged with the one after it if equal (unless of the largest kind), and so on."""
    tiles, slid, gain = [tile for tile in row if tile], [], 0
    while tiles:
        tile = tiles.pop(0)
        if tiles and tiles[0] == tile and tile < 15:
            tiles.pop(0)
            tile += 1
            gain += 2**tile
        slid.append(tile)
    return tuple(slid + [0] * (len(row) - len(slid))), gain


def slide(board, direction):
    """Up, right, down, left: 0 to 3."""
    columns = direction in (0, 2)
    lines = list(zip(*board, strict=True)) if columns else board
    back = -1 if direction in (1, 2) else 1
    slid = [slide_row(line[::back]) for line in lines]
    lines = tuple(line[::back] for line, _ in slid)
    return tuple(zip(*lines, strict=True)) if columns else lines, sum(gain for _, gain in slid)


def unpack(word, rows, columns):
    word = int(word) % 2**64
    return tuple(tuple(word >> (16 * r + 4 * c) & 15 for c in range(columns)) for r in range(rows))


def pack(board):
    return np.uint64(sum(cell << (16 * r + 4 * c) for r, row in enumerate(board) for c, cell in enumerate(row)))


# --- transitions ---------------------------------------------------------------------------------------------------------------


@njit
def take_steps(model, states, restarts, rng):
    """Play on, or take the state that is there where `restarts` or a game has ended; return what happened at each state."""
    n = len(states)
    legals, taken, rewards = np.zeros((n, 4), np.bool_), np.full(n, -1), np.zeros(n)
    afters, nexts = states.copy(), states.copy()
    actions = np.empty(4, np.int64)
    for k in range(n):
        if k > 0 and not restarts[k] and taken[k - 1] >= 0:
            states[k] = nexts[k - 1]
        afters[k] = nexts[k] = states[k]
        count = legal(model, states[k], actions)
        for a in actions[:count]:
            legals[k, a] = True
        if count == 0:
            continue
        taken[k] = actions[below(rng, count)]
        rewards[k] = apply(model, afters[k], taken[k])
        nexts[k] = afters[k]
        draw(model, nexts[k], rng)
    return legals, taken, rewards, afters, nexts


def random_board(rng, rows, columns, top):
    cells = rng.integers(1, top + 1, (rows, columns)) * (rng.random((rows, columns)) < rng.uniform(0.3, 1.0))
    return tuple(tuple(row) for row in cells.tolist())


@pytest.mark.parametrize("name", [*STANDARD, *PROACT])
def test_engine_agrees_with_the_plain_twin(name):
    world, steps, rng = load_world(name), 15_000, np.random.default_rng(1)  # 8 worlds: more than 100,000 moves
    rows, columns, unit = world.rows, world.columns, world.base / 2
    proact = name in PROACT
    states = np.zeros((steps, world.model.width), np.int64)
    restarts = np.arange(steps) % 100 < 50  # half random boards, half play that goes on from one
    for k in range(steps):
        board = random_board(rng, rows, columns, (2, 4, 8, 15)[k % 4])
        states.view(np.uint64)[k, 0] = pack(board)
        if proact:
            states[k, 1] = rng.integers(0, 11)
    legals, taken, rewards, afters, nexts = take_steps(world.model, states, restarts, stream("twin", name))
    ended = 0
    for k in range(steps):
        board = unpack(states[k, 0], rows, columns)
        slides = [slide(board, d) for d in range(4)]
        changing = [after != board for after, _ in slides]
        stuck = states[k, 1] if proact else 0
        over = not any(changing) or stuck >= 10
        ended += over
        assert legals[k].tolist() == ([not over] * 4 if proact else changing)
        if over:
            continue
        direction = (0, 2, 3, 1)[taken[k]] if proact else taken[k]
        after, gain = slides[direction]
        assert unpack(afters[k, 0], rows, columns) == after
        if not changing[direction]:
            assert (rewards[k], afters[k, 1], nexts[k, 0]) == (-1.0, stuck + 1, states[k, 0])
            continue
        assert rewards[k] == gain * unit
        assert not proact or afters[k, 1] == nexts[k, 1] == 0
        new = [
            (was, now)
            for before, behind in zip(after, unpack(nexts[k, 0], rows, columns), strict=True)
            for was, now in zip(before, behind, strict=True)
            if was != now
        ]
        assert new in ([(0, 1)], [(0, 2)])
    assert 10 < ended < steps / 2


def test_cells_beyond_32768_do_not_merge():
    model = load_world("2048").model
    state = np.array([0], np.int64)
    state.view(np.uint64)[0] = pack(((15, 15, 0, 0), (0, 0, 0, 0), (14, 14, 15, 0), (15, 0, 0, 0)))
    _, _, rewards, afters, _ = take_steps(model, *_forced(state, 3))
    assert rewards[0] == 2**15
    assert unpack(afters[0, 0], 4, 4) == ((15, 15, 0, 0), (0, 0, 0, 0), (15, 15, 0, 0), (15, 0, 0, 0))
    full = np.array([0], np.int64)
    full.view(np.uint64)[0] = pack(((15,) * 4,) * 4)
    assert not take_steps(model, full[None], np.array([True]), stream(0))[0].any()


def _forced(state, wanted):
    """Return arguments of `take_steps` with a stream that takes the action `wanted`."""
    model = load_world("2048").model
    for seed in range(100):
        if take_steps(model, state[None].copy(), np.array([True]), stream("forced", seed))[1][0] == wanted:
            return state[None].copy(), np.array([True]), stream("forced", seed)
    raise AssertionError("no such action")


def test_openspiel_agrees_on_transitions_and_rewards():
    # OpenSpiel (1.6 to 2.0) keeps the marks of the last move's merges when it lists legal actions, so it leaves out moves that do
    # nothing but merge a tile which that move made. All else must be equal.
    game = pyspiel.load_game("2048(max_tile=65536)")
    world, rng = load_world("2048"), np.random.default_rng(5)
    model, moves, left_out = world.model, 0, 0
    states, probabilities = np.zeros((model.outcomes, 1), np.int64), np.zeros(model.outcomes)
    for _ in range(10):
        position, state, total = game.new_initial_state(), np.zeros(1, np.int64), 0.0
        while not position.is_terminal():
            if position.is_chance_node():
                count = list_chance(model, state, states, probabilities)
                outcomes, theirs = zip(*position.chance_outcomes(), strict=True)
                np.testing.assert_allclose(sorted(probabilities[:count]), sorted(theirs), rtol=1e-12)
                position.apply_action(outcomes[rng.integers(len(outcomes))])
                state = world.read(str(position))
                assert any((state == states[k]).all() for k in range(count))
                continue
            ours = np.flatnonzero(take_steps(model, state[None].copy(), np.array([True]), stream(0))[0][0]).tolist()
            assert set(position.legal_actions()) <= set(ours)
            for action in set(ours) - set(position.legal_actions()):
                after = state.copy()
                assert apply_once(model, after, action) > 0.0
                left_out += 1
            action = int(rng.choice(position.legal_actions()))
            total += apply_once(model, state, action)
            position.apply_action(action)
            assert total == position.returns()[0]
            moves += 1
        assert not take_steps(model, state[None].copy(), np.array([True]), stream(0))[0].any()
    assert moves > 500 and left_out < 0.1 * 4 * moves


@njit
def apply_once(model, state, action):
    return apply(model, state, action)


@njit
def list_chance(model, state, states, probabilities):
    return chance(model, state, states, probabilities)


# --- distributions -------------------------------------------------------------------------------------------------------------


@njit
def count_draws(model, state, states, rng, n):
    counts, drawn = np.zeros(len(states), np.int64), state.copy()
    for _ in range(n):
        drawn[:] = state
        draw(model, drawn, rng)
        for k in range(len(states)):
            if drawn[0] == states[k, 0]:
                counts[k] += 1
    return counts


@pytest.mark.parametrize("name", ["2048", "2048-2x3", "3072-proact"])
@pytest.mark.parametrize("filled", [0, 1, 4, -1])
def test_spawns_are_uniform_over_empty_cells_and_nine_to_one(name, filled):
    world, n = load_world(name), 40_000
    model, cells = world.model, world.rows * world.columns
    tiles = np.zeros(cells, np.int64)
    tiles[: filled % cells] = world.base * 4
    state = world.state(tiles.reshape(world.rows, world.columns))
    states, probabilities = np.zeros((model.outcomes, model.width), np.int64), np.zeros(model.outcomes)
    count = list_chance(model, state, states, probabilities)
    assert count == 2 * (cells - filled % cells)
    empties = count // 2
    np.testing.assert_allclose(probabilities[:count], np.tile([0.9 / empties, 0.1 / empties], empties), rtol=1e-12)
    assert len(np.unique(states[:count], axis=0)) == count
    counts = count_draws(model, state, states[:count], stream("spawn", name, filled), n)
    assert counts.sum() == n
    expected = n * probabilities[:count]
    chi = ((counts - expected) ** 2 / expected).sum()
    assert chi < (count - 1) + 4 * (2 * (count - 1)) ** 0.5  # four standard deviations above the mean of chi-squared


@njit
def count_directions(board, afters, rng, n):
    counts = np.zeros(len(afters), np.int64)
    for _ in range(n):
        moved, _ = random_direction(board, FULL, rng)
        for k in range(len(afters)):
            if moved == afters[k]:
                counts[k] += 1
    return counts


@pytest.mark.parametrize(
    "board",
    [
        ((1, 2, 3, 4), (5, 6, 7, 8), (0, 0, 0, 0), (0, 0, 0, 0)),
        ((1, 2, 3, 4), (5, 6, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0)),
        ((1, 2, 0, 4), (5, 6, 7, 0), (0, 2, 1, 3), (2, 4, 0, 1)),
        ((1, 2, 3, 4), (5, 6, 7, 8), (1, 2, 3, 4), (5, 6, 7, 7)),
    ],
)
def test_random_directions_are_uniform_over_the_legal_ones(board):
    afters = np.array([pack(moved) for moved in (slide(board, d)[0] for d in range(4)) if moved != board])
    n, p = 60_000, 1 / len(afters)
    counts = count_directions(pack(board), afters, stream("directions"), n)
    assert counts.sum() == n
    assert (abs(counts - n * p) <= 4 * (n * p * (1 - p)) ** 0.5).all()


@njit
def play_games(model, start, rng, n):
    """Uniform play over `legal`, one game a row: merge score, penalties, moves."""
    found, state, actions = np.zeros((n, 3)), start.copy(), np.empty(4, np.int64)
    for k in range(n):
        state[:] = 0
        draw(model, state, rng)
        draw(model, state, rng)
        while not terminal(model, state):
            reward = apply(model, state, actions[below(rng, legal(model, state, actions))])
            found[k, 0 if reward >= 0.0 else 1] += reward
            found[k, 2] += 1
            draw(model, state, rng)
    return found


@njit
def play_out(model, start, rng, n):
    found, state = np.zeros(n), start.copy()
    for k in range(n):
        state[:] = 0
        draw(model, state, rng)
        draw(model, state, rng)
        found[k], _ = playout(model, state, 1 << 30, 1.0, rng)
    return found


# proact.md's own measurements, n = 20,000: mean and standard error.
RANDOM_PLAY = {
    "2048": (1093.5, 3.8), "2048-3x3": (179.0, 0.7), "3072": (1640.2, 5.7),
    "2048-proact": (1089.8, 3.8), "2048-3x3-proact": (177.1, 0.7), "3072-proact": (1631.7, 5.7),
}  # fmt: skip


@pytest.mark.parametrize("name", RANDOM_PLAY)
def test_random_play_scores_as_published(name):
    world, n = load_world(name), 4_000
    games = play_games(world.model, np.zeros(world.model.width, np.int64), stream("random play", name), n)
    mean, error = RANDOM_PLAY[name]
    standard_error = (games[:, 0].std() ** 2 / n + error**2) ** 0.5
    assert abs(games[:, 0].mean() - mean) <= 3 * standard_error
    outs = play_out(world.model, np.zeros(world.model.width, np.int64), stream("playouts", name), n)
    both = (2 * games[:, 0].std() ** 2 / n) ** 0.5
    assert abs(outs.mean() - games[:, :2].sum(axis=1).mean()) <= 4 * both  # the fast playout: penalties included


def test_random_games_from_a_board():
    n = 4_000
    scores, moves = random_games(np.uint64(0x1000000000000010), n, stream("games"))
    assert abs(scores.mean() - 1093.5) <= 4 * 540 / n**0.5  # 540: standard deviation of one game (proact.md 7.1)
    assert abs(moves.mean() - 118.4) <= 4 * 46 / n**0.5  # 46: likewise of its moves
    assert random_games(pack(((1, 2, 1, 2), (2, 1, 2, 1)) * 2), 1, stream("over")) == (0.0, 0)


# --- symmetry, keys, scores ----------------------------------------------------------------------------------------------------


@njit
def canonical_all(boards, shape):
    found = boards.copy()
    for k in range(len(boards)):
        found[k] = canonical(boards[k], shape)
    return found


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (3, 3), (2, 3), (4, 2), (2, 2)])
def test_canonical_boards_are_the_least_of_their_images(rows, columns):
    rng = np.random.default_rng(rows * columns)
    boards = [np.array(random_board(rng, rows, columns, 6)) for _ in range(200)]
    found = canonical_all(np.array([pack(board) for board in boards]), shape(rows, columns))
    for board, least in zip(boards, found, strict=True):
        images = [turned for image in (board, board.T) for turned in (image, image[::-1], image[:, ::-1], image[::-1, ::-1])]
        assert least == min(pack(image.tolist()) for image in images if image.shape == board.shape)


@njit
def look(model, root, state, reward):
    return key(model, state), score(model, root, 0, state, reward), potential(model, root, state)


def test_keys_scores_and_potentials():
    world = load_world("2048")
    good = world.read("4096 2048 1024 512/32 64 128 256/16 8 4 2/. . . .")
    bad = world.read("4096 2 1024 4/. 32 2 128/64 4 2048 16/8 256 . 512")
    assert look(world.model, good, good, 0.0)[0] != look(world.model, good, bad, 0.0)[0]
    assert look(world.model, good, bad, 0.0)[1:] == (0.0, pytest.approx(0.0, abs=1e-2))
    assert look(world.model, bad, good, 3.0)[1:] == (2.0 / 16.0, pytest.approx(1.0, abs=1e-2))
    assert look(world.model, good, good, 131_072.0)[1:] == (1.0, 0.5)
    proact = load_world("2048-proact")
    stuck = np.array([good[0], 1])
    assert look(proact.model, stuck, stuck, -1.0)[1] == 0.0
    assert look(proact.model, stuck, stuck, 0.0)[0] != look(proact.model, stuck, np.array([good[0], 2]), 0.0)[0]


def test_plain_kernels_play_the_same_game():
    for name in ("2048", "3072-proact", "2048-2x3"):
        model = load_world(name).model
        state = np.zeros(model.width, np.int64)
        compiled = play_games(model, state, stream("plain", name), 1)
        assert (plain(play_games)(model, state, stream("plain", name), 1) == compiled).all()


# --- variants ------------------------------------------------------------------------------------------------------------------
