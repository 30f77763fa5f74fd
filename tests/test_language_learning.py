"""Learning from answers: no advantage no slope, slopes are those of the loss, what is rewarded is said more often, runs go on."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from games.errors import UsageError
from games.worlds import load_world
from planners.learning.batch import Batch
from planners.learning.catalogue import find_method
from planners.learning.method import Method

jax = pytest.importorskip("jax", reason="the extra learn is not installed")
WORDS = ("up", "down", "left", "right")


@pytest.fixture(scope="module")
def world():
    return load_world("2048-3x3-proact", {})


@pytest.fixture(scope="module")
def model(world):
    """A model of a few thousand weights that has learned to answer with any word, whatever it is asked."""
    from planners.language.small.files import Model
    from planners.language.small.learning import LanguageLearner, encode_texts
    from planners.language.small.network import Size
    from planners.language.small.play import asked_in
    from planners.language.small.tokens import make_vocabulary
    from planners.language.speech import Speech

    asked = [asked_in(Speech(instance), instance.start) for instance in map(world.instance, range(8))]
    pairs = [(question, f"thought: so.\nmove: {word}") for question in asked for word in WORDS]
    vocabulary = make_vocabulary(text for pair in pairs for text in pair)
    size = Size(1, 16, 2, len(vocabulary), 45)
    texts = encode_texts(vocabulary, pairs, size.context)
    learner = LanguageLearner(size, texts, texts, 16, 60, 0.03, 0.0, 0)
    while learner.updates < learner.total:
        learner.advance()
    return Model(learner.parameters, size, vocabulary, "2048-3x3", "chain")


def trainer(model, world, method, seed=0, **options):
    from planners.language.small.reinforcement import OPTIONS, LanguageTrainer

    found = find_method("mc-grpo", {**OPTIONS, "rollouts": 1, "horizon": 2, **options})
    return LanguageTrainer(method or found.method, model, None, world.instance, found.options, seed)


def answers(rng):
    """Return a batch of seven answers in two sequences, and their tokens: two of the question, up to six of the answer."""
    at, lengths = np.array([0, 0, 1, 2, 3, 3, 3]), rng.integers(3, 7, 7)
    rows = np.zeros((7, 16), np.int32)
    for row, length in zip(rows, lengths, strict=True):
        row[: 2 + length] = rng.integers(5, 60, 2 + length)
    nothing, sequence = np.zeros(4), np.array([0, 0, 1, 1])
    batch = Batch(
        states=np.zeros((4, 2), np.int64), offered=np.zeros((4, 5), np.int64), counts=np.full(4, 5), old=np.full((4, 5), np.nan),
        sequence=sequence, place=np.array([0, 1, 0, 1]), gained=nothing, over=nothing != 0, cut=nothing != 0,
        afters=np.zeros((4, 2), np.int64), at=at, chosen=rng.integers(0, 5, 7), rewards=np.zeros(7), group=at,
        weight=1.0 / np.bincount(at)[at], lengths=np.array([2, 2]), solved=np.zeros(2, bool), hopeless=nothing != 0, options={}, ask=None,
    )  # fmt: skip
    return batch, rows, np.full(7, 2)


def doubled(ratio, advantage, batch, params):
    """A surrogate of one's own: it sees tokens as rows."""
    assert ratio.shape == advantage.shape == batch.at.shape == batch.weight.shape
    return -2.0 * advantage * ratio**2, -4.0 * advantage * ratio


@pytest.mark.parametrize("surrogate", [None, doubled])
@pytest.mark.parametrize("normaliser", ["token", "episode", "constant"])
def test_slopes_are_minus_the_finite_differences_of_the_loss(model, world, normaliser, surrogate):
    from planners.language.small.gradients import answered
    from planners.language.small.learning import Texts

    method = Method("any", "groups", {}, (), lambda batch, params: None, surrogate=surrogate)
    learner, rng = trainer(model, world, method, normaliser=normaliser, constant=3.0, clip=0.2), np.random.default_rng(3)
    batch, rows, begins = answers(rng)
    counted = answered(Texts(rows, begins))
    advantage, mask = rng.normal(size=7), np.array([True] * 6 + [False])
    weight = learner.token_weights(batch, counted, mask)
    old = learner.log_tokens(rows) + 0.1 * rng.normal(size=counted.shape)  # the model has moved away from the one that played
    rates = learner.token_ascent(batch, advantage, weight, counted, learner.log_tokens(rows), old)[1]
    slopes = learner.slopes(rows, rates)
    assert not rates[6].any() and not rates[~counted].any()
    before = dict(learner._speaker.parameters)
    for name in before:
        way, loss = rng.normal(size=before[name].shape).astype(np.float32), []
        way /= np.linalg.norm(way)
        for step in (1e-2, -1e-2):
            learner._speaker.parameters = {**before, name: before[name] + step * way}
            loss.append(learner.token_ascent(batch, advantage, weight, counted, learner.log_tokens(rows), old)[0])
        found = float((np.asarray(slopes[name]) * way).sum())
        assert found == pytest.approx(-(loss[0] - loss[1]) / 2e-2, rel=0.03, abs=2e-3), name


def test_the_weights_of_tokens_follow_the_normaliser(model, world):
    from planners.language.small.gradients import answered
    from planners.language.small.learning import Texts

    batch, rows, begins = answers(np.random.default_rng(4))
    counted, mask = answered(Texts(rows, begins)), np.array([True] * 6 + [False])
    use = counted & mask[:, None]
    slow = {
        "token": batch.weight[:, None] * use / (batch.weight[:, None] * use).sum(),
        "constant": batch.weight[:, None] * use / 3.0,
        "episode": sum(
            batch.weight[:, None] * here / (2.0 * (batch.weight[:, None] * here).sum())
            for s in range(2)
            for here in [use & (batch.sequence[batch.at] == s)[:, None]]
        ),
    }
    for normaliser, wanted in slow.items():
        learner = trainer(model, world, None, normaliser=normaliser, constant=3.0)
        np.testing.assert_allclose(learner.token_weights(batch, counted, mask), wanted, atol=1e-12)


def test_no_advantage_is_no_slope(model, world):
    method = Method("none", "groups", {}, (), lambda batch, params: np.zeros(len(batch.at)))
    learner = trainer(model, world, method, environments=2, turns=1, group=4, passes=2)
    before = {name: np.array(array) for name, array in learner.model().parameters.items()}
    learner.advance()
    assert learner.figures()["gradient_norm"] == 0.0 and learner.environment_steps == 2
    for name, array in learner.model().parameters.items():
        np.testing.assert_array_equal(array, before[name])


def test_what_is_rewarded_is_said_more_often(model, world):
    shares = []

    def advantage(batch, params):
        left = batch.offered[batch.at, batch.chosen] == WORDS.index("left")
        shares.append(left.mean())
        return left - left.mean()

    learner = trainer(model, world, Method("left", "groups", {}, (), advantage), environments=2, turns=2, group=4, rate=3e-3)
    for _ in range(16):
        learner.advance()
    assert np.mean(shares[:3]) < 0.45 and np.mean(shares[-3:]) > 0.8
    assert learner.figures()["kl"] >= 0.0 and learner.figures()["format_errors"] < 0.5


def test_a_restored_learner_goes_on_to_the_same_bits(model, world):
    method = Method("right", "turns", {}, (), lambda batch, params: batch.rewards - batch.rewards.mean())
    once, again = (trainer(model, world, method, environments=8, turns=1, passes=1) for _ in range(2))
    once.advance()
    kept = {name: np.array(array) for name, array in once.state().items()}
    once.advance()
    again.restore(1, kept)
    again.advance()
    left, right = once.state(), again.state()
    assert left.keys() == right.keys() and all(left[name].tobytes() == right[name].tobytes() for name in left)
    assert once.environment_steps == again.environment_steps == 16


@pytest.mark.slow
def test_whole_episodes_are_played_side_by_side(model, world):
    lengths = []

    def advantage(batch, params):
        lengths.extend(batch.lengths)
        assert (batch.over == batch.cut).all() and batch.over.sum() == 8 and len(batch.at) == batch.lengths.sum()
        assert batch.group.tolist() == np.repeat([0] * 4 + [1] * 4, batch.lengths).tolist()
        return np.zeros(len(batch.at))

    learner = trainer(model, world, Method("whole", "episodes", {}, (), advantage), starts=2, group=4, passes=1)
    learner.advance()
    assert min(lengths) > 5 and learner.episodes == 8 and learner.figures()["score"] != 0.0


def test_what_a_language_model_cannot_do_is_one_line(model, world):
    with pytest.raises(UsageError, match="too slow for rollouts"):
        trainer(model, world, None, rollout_policy="learned")
    with pytest.raises(UsageError, match="group=0 is not possible"):
        trainer(model, world, None, group=0)
    with pytest.raises(UsageError, match="no action for answers in the wrong format"):
        trainer(model, load_world("2048-3x3", {}), None, environments=8, turns=1, group=1).advance()


@pytest.mark.slow
def test_a_method_goes_on_from_a_run_of_train_lm(model, tmp_path):
    from planners.language.small.files import encode_model, read_model
    from workbench.commands.train import train

    (tmp_path / "model.safetensors").write_bytes(encode_model(model))
    options = ["--method", "mc-grpo", "--init", str(tmp_path), "--set", "rollouts=1", "--set", "horizon=5", "--episodes", "2"]
    run = str(tmp_path / "run")
    found = CliRunner().invoke(train, ["2048-3x3", *options, "--updates", "2", "--out", run, "--json"], standalone_mode=False)
    assert found.return_value == 0, found.output
    record = json.loads(found.stdout)
    assert record["world"] == "2048-3x3-proact" and record["policy"] == "language" and record["score"]["episodes"] == 2
    assert record["environment_steps"] == 16 and record["expansions"] > 0 and "random" in record["score"]["beside"]
    found = CliRunner().invoke(train, ["--resume", run, "--updates", "3", "--json"], standalone_mode=False)
    assert json.loads(found.stdout)["updates"] == 3
    assert read_model(run).size == model.size
