"""The convolutional network: against an obvious twin, finite differences, turned boards, boards of other sizes; its files."""

import numpy as np
import pytest

from games.errors import GameplanError, UsageError
from games.planes import bearing, planes_shape, standing, write_planes
from games.sokoban.levels import parse_levels
from games.sokoban.worlds import SokobanWorld
from games.worlds import load_world
from planners.policies import conv, dihedral
from planners.policies.catalogue import POLICY, VALUE, make_learned
from planners.policies.files import encode_learned, load_learned
from planners.policies.policy import ascend, fit, prefer, settle, worth
from workbench.runs.directory import RunDirectory
from workbench.training.config import TrainConfig, resolve_train, resumed_train
from workbench.training.run import train

SMALL = {"fields": 2, "layers": 3}
LEVEL = ("#######", "#  .###", "# $@  #", "#.$ # #", "#     #", "#######")


def instance_of(rows, actions="moves"):
    (level,) = parse_levels("\n".join(rows))
    return SokobanWorld("test", [level], actions).instance(0)


def network(instance, seed=3, role=POLICY, **params):
    """Return a network all of whose weights are random."""
    made = make_learned(role, "conv", instance, {**SMALL, **params})
    weights = made.record.weights
    weights += np.float32(0.2) * np.random.default_rng(seed).standard_normal(len(weights)).astype(np.float32)
    conv.restore(made.record, conv.state(made.record))
    return made


def all_outputs(made, instance, state=None):
    """Return the logits of all actions, possible or not, and the value."""
    logits, actions = np.empty(instance.model.actions), np.arange(instance.model.actions)
    state = instance.start if state is None else state
    prefer(made.record, instance.model, state, actions, len(actions), logits)
    return logits, worth(made.record, instance.model, state)


def softmax(logits):
    chances = np.exp(logits - logits.max())
    return chances / chances.sum()


def twin(weights, instance, params):
    """Return (logits, value) by the formulas of the module, in float64, one term after the other."""
    fields, layers, model = params["fields"], params["layers"], instance.model
    channels, rows, columns = planes_shape(model)
    flat = np.empty(channels * rows * columns)
    write_planes(model, instance.start, flat)
    planes = flat.reshape(channels, rows, columns)
    board = [tuple(cell) for cell in np.argwhere(planes.any(axis=0))]
    kinds, place = model.actions // 4, [0]

    def take(*size):
        begin, place[0] = place[0], place[0] + int(np.prod(size))
        return weights[begin : place[0]].reshape(size)

    first, others = take(fields, channels, 3, 3), [take(fields, fields, 8, 3, 3) for _ in range(layers - 1)]
    biases, logit, value = take(layers, fields), take(kinds, fields, 2, 4), take(fields, 2)
    offsets, offset = take(kinds), take(1)
    assert place[0] == len(weights)
    inverse = [np.linalg.inv(image).round().astype(int) for image in dihedral.IMAGES]
    images = [image.tolist() for image in dihedral.IMAGES]
    directions = [[-1, 0], [1, 0], [0, -1], [0, 1]]
    offered = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    now = None
    for layer in range(layers):
        new = {}
        for cell in board:
            for k in range(fields):
                for g, back in enumerate(inverse):
                    total = biases[layer, k] + (now[cell, k, g] if layer else 0.0)
                    for t in offered:
                        other, tap = (cell[0] + t[0], cell[1] + t[1]), tuple(back @ t + 1)
                        if other not in board:
                            continue
                        if layer == 0:
                            total += sum(first[k, p][tap] * planes[p][other] for p in range(channels))
                            continue
                        for h, image in enumerate(dihedral.IMAGES):
                            seen = images.index((back @ image).tolist())
                            total += sum(others[layer - 1][k, j, seen][tap] * now[other, j, h] for j in range(fields))
                    new[cell, k, g] = max(total, 0.0)
        now = new
    at, logits = standing(model, instance.start), np.repeat(offsets, 4)
    read = [{}, {}]
    for k in range(fields):
        for g in range(8):
            read[0][k, g] = now[divmod(at, columns), k, g] if at >= 0 else 0.0
            read[1][k, g] = np.mean([now[cell, k, g] for cell in board])
    total = offset[0]
    for part in range(2):
        for (k, g), number in read[part].items():
            total += value[k, part] * number
            for kind in range(kinds):
                for d in range(4):
                    seen = directions.index((inverse[g] @ directions[d]).tolist())
                    logits[4 * kind + d] += logit[kind, k, part, seen] * number
    order = [4 * kind + direction for kind, direction in (bearing(model, a) for a in range(model.actions))]
    return logits[order], total


def cases():
    return [instance_of(LEVEL), load_world("sokoban-proact").instance(0), load_world("2048-3x3").instance(4)]


@pytest.mark.parametrize("case", [pytest.param(0, marks=pytest.mark.slow), 1, pytest.param(2, marks=pytest.mark.slow)])
def test_outputs_and_gradients_are_those_of_the_twin(case):
    instance, params = cases()[case], {"fields": 1, "layers": 2}
    made = network(instance, **params)
    record, model = made.record, instance.model
    logits, value = all_outputs(made, instance)
    weights = record.weights.astype(np.float64)
    expected = twin(weights, instance, params)
    np.testing.assert_allclose(logits, expected[0], atol=1e-5)
    assert value == pytest.approx(expected[1], abs=1e-5) and np.ptp(logits) > 1e-2
    rng = np.random.default_rng(1)
    pulls, toward = rng.normal(size=model.actions), rng.normal(size=(3, len(weights)))
    ascend(record, model, instance.start, np.arange(model.actions), model.actions, pulls, 1.0)
    fit(record, model, instance.start, 0.6, 1.0)
    gradient = np.bincount(record.tie, record.slopes, minlength=len(weights))
    for direction in toward:
        above, below = (twin(weights + step * direction, instance, params) for step in (1e-6, -1e-6))
        slope = (pulls @ (above[0] - below[0]) + 0.6 * (above[1] - below[1])) / 2e-6
        assert slope == pytest.approx(gradient @ direction, rel=1e-3, abs=1e-4)


def turned(rows, image):
    """Return rows of a level as they are after an image (2, 2) of the plane, and where each direction then points."""
    grid = np.array([list(row) for row in rows])
    places = np.array([image @ cell for cell in np.ndindex(grid.shape)])
    places -= places.min(axis=0)
    new = np.empty(places.max(axis=0) + 1, dtype=grid.dtype)
    new[tuple(places.T)] = grid.ravel()
    return ["".join(row) for row in new], [dihedral.DIRECTIONS.tolist().index((image @ d).tolist()) for d in dihedral.DIRECTIONS]


def test_a_turned_or_mirrored_board_has_the_turned_preferences():
    instance = instance_of(LEVEL)
    made = network(instance)
    logits, value = all_outputs(made, instance)
    assert np.ptp(logits) > 1e-2
    assert len({tuple(image.ravel()) for image in dihedral.IMAGES}) == 8
    for image in dihedral.IMAGES:
        rows, where = turned(LEVEL, image)
        other, same = all_outputs(made, instance_of(rows))
        np.testing.assert_allclose(other[where], logits, atol=2e-6)
        assert same == pytest.approx(value, abs=2e-6)


@pytest.mark.slow  # to compile
def test_turned_tiles_have_the_turned_preferences():
    world = load_world("2048-3x3")
    instance, tiles = world.instance(0), np.array([[2, 0, 4], [8, 2, 16], [0, 64, 2]])
    made = network(instance)
    logits, _ = all_outputs(made, instance, world.state(tiles.tolist()))
    turn, _ = all_outputs(made, instance, world.state(np.rot90(tiles).tolist()))  # up becomes left, right up
    flip, _ = all_outputs(made, instance, world.state(tiles[:, ::-1].tolist()))
    up, right, down, left = logits
    assert np.ptp(logits) > 1e-2
    np.testing.assert_allclose(turn, [right, down, left, up], atol=2e-6)
    np.testing.assert_allclose(flip, [up, left, down, right], atol=2e-6)


def test_one_network_judges_boards_of_any_size_and_walls_around_do_not_matter():
    small = instance_of(LEVEL)
    made = network(small)
    wide = [*("#" * 7 + row for row in LEVEL[:3]), *("####  " + "#" + row for row in LEVEL[3:]), "#" * 14]
    np.testing.assert_allclose(all_outputs(made, instance_of(wide))[0], all_outputs(made, small)[0], atol=2e-6)
    large = instance_of(["#" * 14, "#" + " " * 12 + "#", "#@ $ . $ .   #", "#" * 14])
    assert np.isfinite(all_outputs(made, large)[0]).all()


def test_it_learns_what_it_is_told_and_values_approach():
    instance = instance_of(LEVEL)
    made, actions = make_learned(POLICY, "conv", instance, SMALL), np.arange(4)
    record, model = made.record, instance.model
    assert (all_outputs(made, instance)[0] == 0.0).all() and all_outputs(made, instance)[1] == 0.0
    wanted = np.array([0.7, 0.1, 0.0, 0.2])
    for _ in range(100):
        logits, _ = all_outputs(made, instance)
        ascend(record, model, instance.start, actions, 4, wanted - softmax(logits), 1.0)
        settle(record, 1.0)
    np.testing.assert_allclose(softmax(all_outputs(made, instance)[0]), wanted, atol=0.02)
    value = make_learned(VALUE, "conv", instance, {**SMALL, "scale": 10.0}).record
    for _ in range(150):
        fit(value, model, instance.start, 25.0 - worth(value, model, instance.start), 1.0)
        settle(value, 1.0)
    assert worth(value, model, instance.start) == pytest.approx(25.0, abs=1.0)


def test_files_bring_back_the_bits_on_boards_of_any_size(tmp_path):
    instance = instance_of(LEVEL)
    made = network(instance)
    path = tmp_path / "policy.safetensors"
    path.write_bytes(encode_learned(made, instance))
    other = load_world("sokoban", {"actions": "moves"}).instance(3)
    again = load_learned(path, POLICY, other)
    assert again.record.weights.tobytes() == made.record.weights.tobytes() and again.params == made.params
    np.testing.assert_array_equal(all_outputs(again, other)[0], all_outputs(made, other)[0])
    with pytest.raises(UsageError, match=r"\(channels = 4\) and does not fit 2048"):
        load_learned(path, POLICY, load_world("2048").instance(0))
    with pytest.raises(UsageError, match=r"\(kinds = 1\) and does not fit sokoban-proact"):
        load_learned(path, POLICY, load_world("sokoban-proact").instance(0))
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(GameplanError, match="damaged"):
        load_learned(path, POLICY, instance)


def test_impossible_networks_are_one_line():
    instance = instance_of(LEVEL)
    for given, message in (({"fields": 0}, "fields=0 is not"), ({"layers": 65}, "1 to 64"), ({"step": 0.0}, "above 0")):
        with pytest.raises(UsageError, match=message):
            make_learned(POLICY, "conv", instance, given)
    for other in (load_world("kg-walk").instance(0), instance_of(LEVEL, "pushes")):
        with pytest.raises(UsageError, match="actions in four directions"):
            make_learned(POLICY, "conv", other, {})
    with pytest.raises(GameplanError, match="the array weights"):
        conv.restore(make_learned(POLICY, "conv", instance, SMALL).record, {"weights": np.zeros(2)})


def imitation(updates):
    """Return the configuration of a run that imitates A* in rooms of 5x5 cells with one box."""
    return resolve_train(
        TrainConfig(
            "sokoban-rooms", "distill", world={"rows": 5, "columns": 5, "boxes": 1}, updates=updates, episodes=60,
            policy_params={"fields": 2, "layers": 4},
            params={"planner": "astar", "environments": 16, "turns": 8, "minibatch": 32, "passes": 2, "rate": 1.0, "decay": 100},
        )
    )  # fmt: skip


@pytest.mark.slow
def test_what_imitates_a_star_solves_rooms_that_it_has_not_seen(tmp_path):
    found = []
    for updates in (1, 60):
        record = train(imitation(updates), RunDirectory.create(tmp_path / str(updates)))
        assert record["policy"] == "conv" and record["score"]["episodes"] == 60
        found.append(record["score"]["mean"])
    assert found[0] < 0.75 and found[1] > 0.85, found


@pytest.mark.slow
def test_a_run_that_goes_on_learns_the_same_bits(tmp_path):
    train(imitation(6), RunDirectory.create(tmp_path / "whole"))
    train(imitation(2), RunDirectory.create(tmp_path / "grown"))
    run = RunDirectory(tmp_path / "grown")
    train(resumed_train(run, {"updates": 6}), run, resume=True)
    whole, grown = ((tmp_path / name / "policy.safetensors").read_bytes() for name in ("whole", "grown"))
    assert whole == grown
