"""What the functions for Python are given is made exact, or refused in one line that names it; never an error from inside."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

import workbench as gp
from games.asked import asked

SENSELESS = (object(), b"x", ["a", 1], {1: 2}, float("nan"), 1.5)


@pytest.mark.parametrize("wrong", SENSELESS, ids=lambda wrong: type(wrong).__name__)
@pytest.mark.parametrize(
    "call",
    [
        lambda wrong: gp.solve(wrong, "cfr+", n=1),
        lambda wrong: gp.solve("kuhn_2p", wrong, n=1),
        lambda wrong: gp.solve("kuhn_2p", "cfr+", n=wrong),
        lambda wrong: gp.solve("kuhn_2p", "cfr+", n=1, params=wrong),
        lambda wrong: gp.solve("kuhn_2p", "cfr+", n=1, options=wrong),
        lambda wrong: gp.solve("kuhn_2p", "cfr+", n=1, out=wrong),
        lambda wrong: gp.solve("kuhn_2p", "cfr+", n=1, progress=wrong),
        lambda wrong: gp.SolveOptions(seed=wrong),
        lambda wrong: gp.SolveOptions(force=wrong),
        lambda wrong: gp.SolveOptions(updates=wrong),
        lambda wrong: gp.PlanOptions(world=wrong),
        lambda wrong: gp.TrainOptions(episodes=wrong),
        lambda wrong: gp.Budget(simulations=wrong),
        lambda wrong: gp.psro("kuhn_2p", wrong, n=1),
        lambda wrong: gp.compare(["kuhn_2p"], wrong, n=1),
        lambda wrong: gp.compare_planners(wrong, ["greedy"]),
        lambda wrong: gp.compare_methods(["2048-2x2"], wrong),
        lambda wrong: gp.plan(wrong),
        lambda wrong: gp.plan("2048-2x2", wrong),
        lambda wrong: gp.plan("2048-2x2", budget=wrong),
        lambda wrong: gp.plan("2048-2x2", "expectimax", learned={"value": wrong}),
        lambda wrong: gp.critic("2048-2x2", wrong),
        lambda wrong: gp.train("2048-2x2", wrong),
        lambda wrong: gp.evolve("cfr", wrong),
        lambda wrong: gp.resume(wrong),
        lambda wrong: gp.runs(wrong),
        lambda wrong: gp.load_policy(wrong, "kuhn_2p"),
        lambda wrong: gp.load_game(wrong),
        lambda wrong: gp.load_world(wrong),
        lambda wrong: gp.register("planner", wrong, "./mine.py"),
        lambda wrong: gp.register(wrong, "mine", "./mine.py"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(call, wrong):
    with pytest.raises(gp.GameplanError) as error:
        call(wrong)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


@pytest.mark.parametrize("n", [3, 3.0, np.int64(3), np.float32(3.0), np.array(3)])
def test_numbers_of_numpy_and_whole_floats_are_whole_numbers(n):
    assert gp.solve("kuhn_2p", "cfr+", n=n).iterations == 3
    seed = gp.SolveOptions(seed=n).seed
    assert seed == 3 and type(seed) is int


def test_what_is_meant_is_said():
    with pytest.raises(gp.UsageError, match=r"algos = 'cfr\+' cannot be meant; it must be a list, each a text, as \['cfr\+'\]"):
        gp.compare(["kuhn_2p"], "cfr+")
    with pytest.raises(gp.UsageError, match="n = True cannot be meant; it must be a whole number"):
        gp.solve("kuhn_2p", n=True)
    with pytest.raises(gp.UsageError, match="did you mean 'simultaneous'"):
        gp.SolveOptions(updates="simultanous")
    with pytest.raises(gp.UsageError, match="planners is empty; name at least one"):
        gp.compare_planners(["2048-2x2"], [])
    with pytest.raises(gp.UsageError, match="positive number of seconds"):
        gp.solve("kuhn_2p", time_limit=-1.0)


@pytest.mark.parametrize("digits", [19, 400, 5000])
def test_whole_numbers_that_do_not_fit_64_bits_are_refused_in_a_line(digits):
    huge = 10**digits
    for ask in (
        lambda: gp.solve("kuhn_2p", "dcfr", n=huge),
        lambda: gp.solve("kuhn_2p", "dcfr", n=3, params={"gamma": huge}),
        lambda: gp.solve("kuhn_2p", "dcfr", n=3, target=huge),
        lambda: gp.SolveOptions(seed=-huge),
    ):
        with pytest.raises(gp.UsageError, match="cannot be meant") as error:
            ask()
        assert "\n" not in str(error.value) and len(str(error.value)) < 400


def test_an_asked_function_stays_itself():
    @asked
    def f(a: int, b: str = "x", *, c: float | str | None = None, d: list[str] | None = None):
        """Of f."""
        return a, b, c, d

    assert f.__doc__ == "Of f." and f(1.0, Path("p"), c=np.float64(0.5), d=iter("ab")) == (1, "p", 0.5, ("a", "b"))
    assert f(1, c="2s")[2] == "2s"
    with pytest.raises(TypeError):
        f()
    with pytest.raises(FrozenInstanceError):
        gp.Budget().steps = 3


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: gp.solve("kuhn_2p", "cfr+", n=-1), "n = -1"),
        (lambda: gp.SolveOptions(every=0), "every = 0"),
        (lambda: gp.SolveOptions(max_histories=0), "max_histories = 0"),
        (lambda: gp.Budget(simulations=0), "simulations = 0"),
        (lambda: gp.Budget(steps=-1), "steps = -1"),
        (lambda: gp.PlanOptions(jobs=0), "jobs = 0"),
        (lambda: gp.TrainOptions(steps=-1), "steps = -1"),
        (lambda: gp.compare("kuhn_2p", n=1, jobs=0), "jobs = 0"),
        (lambda: gp.compare_planners("kg-walk", ["greedy"], episodes=-1), "episodes = -1"),
        (lambda: gp.compare_methods("2048-2x2", ["td"], updates=1, seeds=0), "seeds = 0"),
        (lambda: gp.plan("2048-2x2", seed=-1), "seed = -1"),
        (lambda: gp.critic("2048-2x2", rollouts=0), "rollouts = 0"),
        (lambda: gp.train("2048-2x2", updates=-1), "updates = -1"),
        (lambda: gp.evolve("cfr", 0), "evals = 0"),
        (lambda: gp.resume("mine", jobs=-1), "jobs = -1"),
    ],
)
def test_numbers_below_what_commands_take_are_refused_too(call, name):
    with pytest.raises(gp.UsageError, match=f"^{name} cannot be meant; it must be a whole number from [01] on"):
        call()


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "x/" * 3000], ids=["nul", "long", "deep"])
@pytest.mark.parametrize(
    "call",
    [
        lambda name: gp.solve("kuhn_2p", "cfr+", n=1, out=name),
        lambda name: gp.solve("kuhn_2p", "cfr+", n=1, out=Path(name)),
        lambda name: gp.compare("kuhn_2p", ["cfr+"], n=1, out=name),
        lambda name: gp.resume(name),
        lambda name: gp.runs(name),
        lambda name: gp.load_policy(name, "kuhn_2p"),
        lambda name: gp.TrainOptions(init=name),
    ],
)
def test_what_no_file_can_be_called_is_refused_in_one_line(call, name):
    with pytest.raises(gp.UsageError, match="cannot be meant") as error:
        call(name)
    assert len(str(error.value)) < 400
