"""Files of learned policies and values: damage is noticed, what they are not for is refused; a greedy policy has a memory."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from games.errors import GameplanError, UsageError
from games.worlds import load_world
from planners.budget import Budget
from planners.episode import play
from planners.policies.catalogue import POLICY, make_learned
from planners.policies.files import encode_learned, load_learned, read_header
from planners.policies.policy import ascend
from planners.policies.reactive import Reactive
from planners.status import CUT, SOLVED
from tests.test_training import WORLD
from workbench.testing.toys import rooms


def test_a_greedy_policy_does_not_go_round_in_circles():
    """It goes from room 4 to 5 and back, and where it may not remember that, for ever; door 9 it likes less."""
    instance = rooms()
    made, model = make_learned(POLICY, "tabular", instance, {"capacity": 64}), instance.model
    for room, doors, slopes in ((0, [1, 2, 3], [1.0, 0.0, 0.0]), (4, [5, 9], [1.0, 0.0]), (5, [4, 2], [1.0, 0.0])):
        actions = np.empty(model.actions, np.int64)
        assert model.legal(model.state(room), actions) == len(doors)
        ascend(made.record, model, model.state(room), actions, len(doors), np.array(slopes), 1.0)
    forgetful = play(instance, Reactive("policy", made, 0.0, memory=False), Budget())
    rooms_met = [model.value(state) for state in forgetful.states]
    assert forgetful.status == CUT and rooms_met[:6] == [0, 1, 4, 5, 4, 5]
    episode = play(instance, Reactive("policy", made, 0.0), Budget())
    assert episode.status == SOLVED and [model.value(state) for state in episode.states] == [0, 1, 4, 5, 4, 9]


class TestFiles:
    @pytest.fixture
    def instance(self, tmp_path):
        (tmp_path / "world.py").write_text(WORLD)
        return load_world(str(tmp_path / "world.py")).instance(0)

    @pytest.fixture
    def path(self, instance, tmp_path):
        made = make_learned(POLICY, "tabular", instance, {"capacity": 64})
        for k in range(40):
            made.record.numbers[k] = k / 7
        made.record.filled[0] = 0
        file = tmp_path / "policy.safetensors"
        file.write_bytes(encode_learned(made, instance))
        return file

    def test_damage_anywhere_is_noticed(self, instance, path):
        whole = path.read_bytes()
        for place in range(8, len(whole), 7):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            try:
                found = load_learned(path, POLICY, instance)
            except GameplanError as error:
                assert "\n" not in str(error)
            else:
                assert found.record.numbers.tobytes() == bytes(64 * 8)  # a flag of the header that means nothing here
        for size in (0, 4, 30, len(whole) - 1):
            path.write_bytes(whole[:size])
            with pytest.raises(GameplanError, match="damaged"):
                load_learned(path, POLICY, instance)

    def test_what_it_is_not_for_is_refused(self, instance, path, tmp_path):
        with pytest.raises(UsageError, match="holds a policy, not a value"):
            load_learned(path, "value", instance)
        other = load_world("2048-2x2").instance(0)
        with pytest.raises(UsageError, match="does not fit 2048-2x2"):
            load_learned(path, POLICY, other)
        with pytest.raises(UsageError, match="there is no policy"):
            load_learned(tmp_path / "nowhere", POLICY, instance)
        save_file({"a": np.zeros(2)}, tmp_path / "other.safetensors")
        with pytest.raises(GameplanError, match="is no policy or value of gameplan"):
            load_learned(tmp_path / "other.safetensors", POLICY, instance)

    def test_a_newer_version_is_named(self, path):
        text = path.read_bytes().replace(b'\\"schema\\": 1', b'\\"schema\\": 9')
        path.write_bytes(text)
        with pytest.raises(GameplanError, match="of version 9"):
            read_header(path)
