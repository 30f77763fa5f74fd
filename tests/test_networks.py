"""Networks as policies and values: their planes, their gradients against finite differences, their files."""

from dataclasses import replace

import numpy as np
import pytest

from games.errors import GameplanError, UsageError
from games.planes import planes_shape, write_planes
from games.worlds import load_world
from planners.policies import mlp
from planners.policies.catalogue import POLICY, VALUE, make_learned
from planners.policies.files import encode_learned, load_learned
from planners.policies.policy import ascend, fit, prefer, settle, worth

WORLDS = ("2048-3x3", "sokoban-proact")


def planes_of(instance, state):
    shape = planes_shape(instance.model)
    planes = np.full(int(np.prod(shape)), np.nan)
    write_planes(instance.model, state, planes)
    return planes.reshape(shape)


@pytest.mark.parametrize("name", ["2048", "2048-3x3", "2048-2x3", "2048-proact"])
def test_planes_of_boards(name):
    world = load_world(name)
    instance = world.instance(3)
    tiles, planes = world.tiles(instance.start), planes_of(instance, instance.start)
    exponents = np.where(tiles > 0, np.log2(np.maximum(tiles, 1)), 0).astype(int)
    assert planes.shape == (16, *tiles.shape)
    np.testing.assert_array_equal(planes, exponents == np.arange(16)[:, None, None])


def test_planes_of_levels():
    world = load_world("sokoban-proact")
    instance = world.instance(0)
    rows = [line for line in world.text(instance, instance.start).splitlines() if line.strip()]
    planes = planes_of(instance, instance.start)
    for plane, symbols in zip(planes[1:], ("?.*+", "$*", "@+"), strict=True):
        assert plane.sum() == sum(sum(line.count(s) for s in symbols) for line in rows), symbols
    assert planes[3].sum() == 1 and (planes[0] >= planes[1:].max(axis=0)).all()


def network(name, hidden="5x4"):
    world = load_world(name)
    instance = world.instance(0)
    if name.startswith("2048"):
        instance = replace(instance, start=world.state([[2, 2, 4], [8, 0, 16], [4, 32, 0]]))
    made = make_learned(POLICY, "mlp", instance, {"hidden": hidden})
    rng = np.random.default_rng(5)
    made.record.weights[:] += 0.3 * rng.normal(size=len(made.record.weights))
    return instance, made, np.array([0, 1, 3], np.int64)


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("hidden", ["6", "5x4"])
def test_gradients_are_finite_differences(name, hidden):
    instance, made, actions = network(name, hidden)
    record, model, slopes = made.record, instance.model, np.array([0.7, -1.3, 0.4])
    logits = np.zeros(3)

    def total():
        prefer(record, model, instance.start, actions, 3, logits)
        return float(slopes @ logits)

    total()
    assert np.ptp(logits) > 1e-3
    ascend(record, model, instance.start, actions, 3, slopes, 1.0)
    found = record.slopes.copy()
    places = np.flatnonzero(found)[:: max(1, np.count_nonzero(found) // 60)]
    assert len(places) > 30
    for k in places:
        kept = record.weights[k]
        record.weights[k] = kept + 1e-6
        above = total()
        record.weights[k] = kept - 1e-6
        below = total()
        record.weights[k] = kept
        assert (above - below) / 2e-6 == pytest.approx(found[k], rel=1e-4, abs=1e-7)


def test_ascending_prefers_what_it_is_told_and_values_approach():
    instance, _, actions = network("2048-3x3")
    record, model, logits = make_learned(POLICY, "mlp", instance, {"hidden": "16"}).record, instance.model, np.zeros(3)
    for _ in range(200):
        ascend(record, model, instance.start, actions, 3, np.array([1.0, -0.5, -0.5]), 1.0)
        settle(record, 1.0)
    prefer(record, model, instance.start, actions, 3, logits)
    assert logits.argmax() == 0 and logits[0] > 1.0 + logits[1:].max()
    value = make_learned(VALUE, "mlp", instance, {"scale": 100.0, "hidden": "8"}).record
    assert worth(value, model, instance.start) == 0.0
    for _ in range(300):
        fit(value, model, instance.start, 250.0 - worth(value, model, instance.start), 1.0)
        settle(value, 1.0)
    assert worth(value, model, instance.start) == pytest.approx(250.0, abs=10.0)


def test_files_bring_back_the_bits(tmp_path):
    instance, made, _ = network("2048-3x3")
    path = tmp_path / "policy.safetensors"
    path.write_bytes(encode_learned(made, instance))
    again = load_learned(path, POLICY, instance)
    assert again.record.weights.tobytes() == made.record.weights.tobytes() and again.params == made.params
    with pytest.raises(UsageError, match="does not fit"):
        load_learned(path, POLICY, load_world("2048").instance(0))
    with pytest.raises(UsageError, match="holds a policy, not a value"):
        load_learned(path, VALUE, instance)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(GameplanError, match="damaged"):
        load_learned(path, POLICY, instance)


def test_impossible_networks_are_one_line():
    instance = load_world("2048").instance(0)
    for given, message in (({"hidden": "0"}, "hidden=0"), ({"hidden": "4x4x4"}, "one or two widths"), ({"step": 0.0}, "above 0")):
        with pytest.raises(UsageError, match=message):
            make_learned(POLICY, "mlp", instance, given)
    with pytest.raises(UsageError, match="tabular needs nothing"):
        make_learned(POLICY, "mlp", load_world("kg-walk").instance(0), {})
    with pytest.raises(GameplanError, match="the array weights"):
        mlp.restore(make_learned(POLICY, "mlp", instance, {}).record, {"weights": np.zeros(2), "mean": np.zeros(3)})


def test_boards_of_another_size_are_refused_in_a_line():
    instance, made, actions = network("sokoban-proact")
    others = [load_world("sokoban-proact").instance(k) for k in range(1, 6)]
    other = next(one for one in others if planes_shape(one.model) != planes_shape(instance.model))
    logits = np.zeros(3)
    with pytest.raises(UsageError, match="reads boards of one size"):
        prefer(made.record, other.model, other.start, actions, 3, logits)
