"""N-tuple networks against a plain twin: look-ups, symmetries, stages, their policies and values, and learning move by move."""

import numpy as np
import pytest
from test_game2048 import pack, random_board, slide, unpack

from games.errors import GameplanError, UsageError
from games.game2048.board import shape, spawn
from games.jit import njit
from games.random import stream
from games.world import Instance
from games.worlds import load_world
from planners.learning.afterstates import LANES, SCORES, new_desk, train
from planners.learning.catalogue import find_method
from planners.learning.learner import Diverged
from planners.learning.methods.tc import Tc
from planners.learning.methods.td import Td
from planners.policies import ntuple
from planners.policies.catalogue import VALUE
from planners.policies.files import encode_learned, load_learned
from planners.policies.look_ups import worth_of
from planners.policies.policy import ascend, fit, prefer, worth
from planners.policies.tuples import SETS, parse_tuples, usual
from workbench.bench.learning import advance


def network_of(world, tuples="", channels=1, **given):
    made = ntuple.make(world.instance(0), **{**ntuple.PARAMS, "tuples": tuples, **given}, channels=channels)
    return made


@njit
def worths_of(network, model_shape, boards):
    found = np.empty(len(boards), np.float32)
    for k in range(len(boards)):
        found[k] = worth_of(network, boards[k], model_shape)
    return found


# --- the twin: boards are tuples of rows of exponents -------------------------------------------------------------------------


def symmetric(rows, columns):
    """The places behind every cell in all images of a board, by the definition."""
    grid = [[(r, c) for c in range(columns)] for r in range(rows)]
    turn = lambda g: [list(row) for row in zip(*g[::-1], strict=True)]  # noqa: E731
    mirror = lambda g: [row[::-1] for row in g]  # noqa: E731
    images = [grid, turn(turn(grid))] if rows != columns else [grid, turn(grid), turn(turn(grid)), turn(turn(turn(grid)))]
    return images + [mirror(image) for image in images]


def readings(tuples, board):
    """What each look-up of a board reads: (tuple, contents), as often as it is read."""
    rows, columns = len(board), len(board[0])
    found = []
    for t, cells in enumerate(parse_tuples(tuples, rows, columns)):
        by_place = {}
        for image in symmetric(rows, columns):
            places = [image[cell // 4][cell % 4] for cell in cells]
            contents = tuple(board[r][c] for r, c in places)
            by_place.setdefault(frozenset(places) if len(cells) <= 4 else tuple(places), []).append(contents[::-1])
        found += [(t, min(several)) for several in by_place.values()]  # the last cell has the highest digit
    return found


def row_of(tuples, rows, columns, reading):
    t, contents = reading
    sizes = [16 ** len(cells) for cells in parse_tuples(tuples, rows, columns)]
    index = 0
    for cell in contents:
        index = 16 * index + cell
    return sum(sizes[:t]) + index


def boards_of(world, count, top=11, seed=3):
    rng = np.random.default_rng(seed)
    return [random_board(rng, world.rows, world.columns, top) for _ in range(count)]


WORLDS = [("2048", "17x4"), ("2048", "012345-456789"), ("2048-3x3", "0145-4569-01-012456"), ("2048-2x3", ""), ("2048-2x2", "")]


@pytest.mark.parametrize(("name", "tuples"), WORLDS)
def test_a_board_is_worth_the_sum_of_what_is_read(name, tuples):
    world = load_world(name)
    tuples = tuples or usual(world.rows, world.columns)
    network = network_of(world, tuples)
    network.weights[:, 0] = np.random.default_rng(0).normal(size=len(network.weights))
    boards = boards_of(world, 50)
    found = worths_of(network, shape(world.rows, world.columns), np.array([pack(board) for board in boards]))
    for board, seen in zip(boards, found, strict=True):
        rows = [row_of(tuples, world.rows, world.columns, reading) for reading in readings(tuples, board)]
        assert len(rows) == network.reads
        assert seen == pytest.approx(network.weights[rows, 0].astype(float).sum(), abs=1e-4)


def test_the_shared_four_tuples_are_seventeen_in_five_tables():
    network = network_of(load_world("2048"), "17x4")
    assert (network.reads, network.weights.shape) == (17, (5 * 65536, 1))


@pytest.mark.parametrize("tuples", [*SETS, "0123-01234"])
def test_mirrored_and_turned_boards_are_worth_the_same(tuples):
    world = load_world("2048-3x3" if tuples == "3x3" else "2048")
    if tuples == "8x6":
        tuples = "-".join(SETS["8x6"][4:6])
    network = network_of(world, tuples)
    network.weights[:, 0] = np.random.default_rng(0).random(len(network.weights), np.float32)
    n = world.rows
    for board in boards_of(world, 5):
        images = [tuple(tuple(board[r][c] for r, c in row) for row in image) for image in symmetric(n, n)]
        found = worths_of(network, shape(n, n), np.array([pack(image) for image in images]))
        assert found == pytest.approx(found[0], abs=1e-4)
    other = worths_of(network, shape(n, n), np.array([pack(board) for board in boards_of(world, 20, seed=4)]))
    assert len(set(other.tolist())) > 10


def test_stages_have_weights_of_their_own():
    world = load_world("2048-3x3")
    network = network_of(world, "0145", stages="16-64")
    for stage in range(3):
        network.weights[stage * 65536 : (stage + 1) * 65536] = stage
    boards = np.array([pack(((1, 2, 3), (0, 0, 0), (0, 1, top))) for top in (1, 3, 4, 5, 6, 9)])
    assert worths_of(network, shape(3, 3), boards).tolist() == [0.0, 0.0, 4.0, 4.0, 8.0, 8.0]


# --- policies and values ------------------------------------------------------------------------------------------------------


@njit
def preferences(policy, model, state, actions, logits):
    prefer(policy, model, state, actions, len(actions), logits)


@njit
def climb(policy, model, state, actions, slopes, rate):
    ascend(policy, model, state, actions, len(actions), slopes, rate)


@njit
def worth_now(value, model, state):
    return worth(value, model, state)


@njit
def move_to(value, model, state, error, rate):
    fit(value, model, state, error, rate)


@pytest.mark.parametrize("name", ["2048", "3072", pytest.param("2048-proact", marks=pytest.mark.slow)])
def test_preferences_are_rewards_and_values_of_afterstates(name):
    world = load_world(name)
    state = world.state((np.array([[2, 2, 4, 8], [0, 4, 4, 0], [16, 0, 16, 2], [2, 0, 0, 0]]) * world.base) // 2)
    order = (0, 2, 3, 1) if name == "2048-proact" else (0, 1, 2, 3)
    for afterstates in (True, False):
        network = network_of(world, "17x4", afterstates=afterstates, temperature=2.0)
        network.weights[:, 0] = np.random.default_rng(0).normal(size=len(network.weights))
        logits = np.zeros(4)
        preferences(network, world.model, state, np.arange(4), logits)
        slides = [slide(unpack(state[0], 4, 4), d) for d in order]
        values = worths_of(network, shape(4, 4), np.array([pack(after) for after, _ in slides])).astype(float)
        gains = np.array([gain * world.base / 2 for _, gain in slides])
        assert logits == pytest.approx((values + gains * afterstates) / 2.0)
        best = max(values + gains) if afterstates else worths_of(network, shape(4, 4), state.view(np.uint64)[:1])[0]
        assert worth_now(network, world.model, state) == pytest.approx(best)


def test_ascending_follows_the_gradient_and_fitting_removes_the_error():
    world = load_world("2048")
    state = world.read("2 4 8 16/. 2 64 4/. . 16 2/. . . 4")
    network = network_of(world, "17x4")
    slopes, expected = np.array([0.5, -1.0, 0.0, 0.5]), np.zeros(len(network.weights))
    climb(network, world.model, state, np.arange(4), slopes, 0.34)
    for direction, slope in enumerate(slopes):
        for reading in readings("17x4", slide(unpack(state[0], 4, 4), direction)[0]):
            expected[row_of("17x4", 4, 4, reading)] += 0.34 * slope / 17
    assert network.weights[:, 0] == pytest.approx(expected, abs=1e-6)
    for afterstates in (False, True):
        network = network_of(world, "012345", afterstates=afterstates)
        before = worth_now(network, world.model, state)
        move_to(network, world.model, state, 80.0, 1.0)
        assert worth_now(network, world.model, state) - before == pytest.approx(80.0, rel=1e-5)


def test_states_of_networks_come_back():
    world = load_world("2048-3x3")
    network, again = network_of(world, "0145-012", channels=3), network_of(world, "0145-012", channels=3)
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(network.weights), 500)
    network.weights[chosen] = rng.normal(size=(500, 3))
    network.weights[chosen[:50], 0] = 0.0
    again.weights[:] = 7.0
    arrays = ntuple.state(network)
    assert len(arrays["rows"]) == len(set(chosen.tolist()))
    ntuple.restore(again, arrays)
    assert (again.weights == network.weights).all()
    for wrong in ({"used": arrays["used"][:-1]}, {"rows": arrays["rows"][:-1]}, {"rows": arrays["rows"][:, :1]}):
        with pytest.raises(GameplanError):
            ntuple.restore(again, {**arrays, **wrong})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"tuples": "4x5"}, "there is no set of tuples '4x5' .did you mean '4x6'"),
        ({"tuples": "0123"}, "the tuple 0123 reads cell 3, which a board of 3x3 cells lacks"),
        ({"tuples": "0115"}, "the tuple 0115 is not possible"),
        ({"tuples": "048159"}, "the tuple 048159 is not possible"),
        ({"stages": "64-32"}, "stages=64-32 are not tiles that ascend"),
        ({"temperature": 0.0}, "temperature=0.0 is not possible"),
    ],
)
def test_impossible_networks_are_refused(given, told):
    with pytest.raises(UsageError, match=told):
        network_of(load_world("2048-3x3"), **given)


def test_a_network_without_room_is_refused(monkeypatch):
    monkeypatch.setattr(ntuple, "available", lambda: 1 << 20)
    with pytest.raises(GameplanError, match=r"the network needs 1\.31MB of memory, and 1\.05MB are free"):
        network_of(load_world("2048"), "17x4")


def test_other_worlds_have_no_tuples():
    with pytest.raises(UsageError, match="n-tuple networks are for the worlds of the 2048 family"):
        ntuple.make(Instance("other", 0, object(), np.zeros(1, np.int64)), **ntuple.PARAMS)


# --- learning -------------------------------------------------------------------------------------------------------------------


class PlainLearner:
    """TD(0) and temporal coherence in single precision, one look-up after the other: mirrored moves tie as they do in the kernel."""

    def __init__(self, tuples, rows, columns, size, rate, coherent, seed):
        self.tuples, self.size, self.rate, self.coherent = tuples, (rows, columns), rate, coherent
        self.weights, self.errors, self.sizes = (np.zeros(size, np.float32) for _ in range(3))
        self.rng, self.lanes = stream(seed), [None] * LANES
        self.score = 0.0

    def value(self, board):
        sums = np.zeros(8, np.float32)  # a sum for each image of the board
        for t in range(len(parse_tuples(self.tuples, *self.size))):
            for image, reading in enumerate(reading for reading in readings(self.tuples, board) if reading[0] == t):
                sums[image] += self.weights[row_of(self.tuples, *self.size, reading)]
        return (sums[0] + sums[1]) + (sums[2] + sums[3])

    def learn(self, board, target):
        rows = [row_of(self.tuples, *self.size, reading) for reading in readings(self.tuples, board)]
        error = np.float32(target) - self.value(board)
        step = np.float32(self.rate / len(rows)) * error
        for row in rows:
            rate = abs(self.errors[row]) / self.sizes[row] if self.coherent and self.sizes[row] > 0.0 else np.float32(1.0)
            self.weights[row] += step * rate
            self.errors[row] += error
            self.sizes[row] += abs(error)

    def spawned(self, board):
        return unpack(spawn(pack(board), shape(*self.size), self.rng), *self.size)

    def round(self):
        for lane in range(LANES):
            game = self.lanes[lane]
            if game is None:
                empty = ((0,) * self.size[1],) * self.size[0]
                self.lanes[lane] = (self.spawned(self.spawned(empty)), None, 0)
                continue
            board, before, score = game
            moves = [slide(board, d) for d in range(4)]
            values = [np.float32(gain) + self.value(after) for after, gain in moves if after != board]
            moves = [move for move in moves if move[0] != board]
            target = max(values, default=np.float32(0.0))
            if before is not None:
                self.learn(before, target)
            if not moves:
                self.score += score
                empty = ((0,) * self.size[1],) * self.size[0]
                self.lanes[lane] = (self.spawned(self.spawned(empty)), None, 0)
                continue
            after, gain = moves[values.index(target)]
            self.lanes[lane] = (self.spawned(after), after, score + gain)


@pytest.mark.parametrize("rule", [pytest.param(Td(0.5), marks=pytest.mark.slow), Tc(1.0)])
def test_learning_is_that_of_the_plain_learner(rule):
    world = load_world("2048-2x3")
    tuples, rounds = "01-12-0145-012", 150
    network = network_of(world, tuples, channels=3, afterstates=True)
    twin = PlainLearner(tuples, 2, 3, len(network.weights), rule.rate, isinstance(rule, Tc), "learning")
    for _ in range(rounds):
        twin.round()
    desk = new_desk(network)
    train(rule, network, desk, world.model, rounds, stream("learning"))
    assert desk.totals[SCORES] == twin.score > 0
    assert (network.weights[:, 0] == twin.weights).all()
    assert (twin.weights != 0.0).sum() > 50


def learned(rule, world, tuples, pieces, span=0, stretches=0):
    network = network_of(world, tuples, channels=3, afterstates=True)
    desk, rng = new_desk(network, span, stretches), stream("pieces")
    for rounds in pieces:
        train(rule, network, desk, world.model, rounds, rng)
    return network, desk


def test_learning_in_pieces_is_learning_at_once():
    world = load_world("2048-3x3")
    for span, stretches in ((0, 0), (20, 8)):
        (one, desk), (other, _) = (
            learned(Tc(1.0), world, "0145-0124", pieces, span, stretches) for pieces in ([500], [1, 199, 300])
        )
        assert one.weights.tobytes() == other.weights.tobytes()
    assert (desk.kept_counts[:3] > 0).all() and desk.kept_counts[-1] == 0


def test_a_minute_of_learning_in_miniature():
    world = load_world("2048-3x3")
    scores = []
    for rule in (Td(0.0), Td(0.1), Tc(1.0)):
        _, desk = learned(rule, world, "0145-0124", [30_000])
        scores.append(desk.totals[SCORES] / desk.totals[0])
    assert scores[0] < 500 and min(scores[1:]) > 750, scores


def new_learner(seed=0, **given):
    method = find_method("tc", given).method
    params = {**ntuple.PARAMS, **ntuple.VALUE_PARAMS, "tuples": "0145-0124"}
    return method.learner(load_world("2048-3x3").instance(0), params, method.params, seed)


@pytest.mark.parametrize("restart", [0, 64])
def test_a_learner_goes_on_from_its_state(restart):
    one, other = new_learner(restart=restart), new_learner(restart=restart)
    one.advance()
    arrays, updates = one.state(), one.updates
    one.advance()
    other.restore(updates, arrays)
    other.advance()
    ends = one.state(), other.state()
    assert all((ends[0][name] == ends[1][name]).all() for name in ends[0])
    assert (one.figures(), one.environment_steps) == (other.figures(), other.environment_steps)
    assert one.figures()["score"] > 500 and one.updates == other.updates == 2
    assert not (new_learner(seed=1).state()["rng"] == new_learner().state()["rng"]).all()


def test_what_a_learner_learned_comes_back_from_its_file(tmp_path):
    learner, instance = new_learner(), load_world("2048-3x3").instance(0)
    learner.advance()
    (learned,) = learner.learned()
    path = tmp_path / "value.safetensors"
    path.write_bytes(encode_learned(learned, instance))
    again = load_learned(path, VALUE, instance)
    assert (again.record.weights == learned.record.weights).all() and again.record.weights.shape[1] == 1
    with pytest.raises(UsageError, match="was trained in 2048-3x3"):
        load_learned(path, VALUE, load_world("2048").instance(0))


def test_learning_that_leaves_the_numbers_stops():
    learner = new_learner()
    learner._network.weights[:, 0] = np.nan
    with pytest.raises(Diverged, match="not finite"):
        learner.advance()


@pytest.mark.parametrize(
    ("given", "told"), [({"rate": -1.0}, "rate=-1.0 is not"), ({"restart": -1}, "restart=-1 is not possible; legal: at least 1")]
)
def test_learners_refuse_what_makes_no_sense(given, told):
    with pytest.raises(UsageError, match=told):
        new_learner(**given)


def test_the_speed_of_learning_is_measured_without_compiling():
    figures = advance("td", 0.05, value_params={"tuples": "0145"})
    assert figures["steps_per_second"] > 10_000 and figures["seconds"] < 5.0
