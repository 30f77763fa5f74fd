"""What is measured of episodes whose exact solution is known."""

from functools import cache

import numpy as np
import pytest

from games.worlds import load_world
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.episode import play
from planners.metrics import Marks, area, interval, judge, mcnemar, rate
from planners.parts.exact import solve


def test_an_error_is_a_step_that_gives_worth_or_steps_away():
    """Against the best return, and the fewest steps to it, by plain recursion along random walks."""
    first_errors = set()
    for seed in range(12):
        instance = load_world("kg-walk", {"L": 3}).instance(seed)
        model, episode = instance.model, play(instance, find_planner("random"), Budget(), seed=seed)

        @cache
        def best(node, left, model=model):
            edges = range(model.first[node], model.first[node + 1]) if left else ()
            nothing = (0.0, 0.0 if model.remote[node] == 0.0 else -np.inf)
            return max((along(model.gain[e], best(model.target[e], left - 1)) for e in edges), default=nothing)

        def along(gain, what):
            return gain + what[0], what[1] - 1.0

        worth = [best(state[0], instance.horizon - t) for t, state in enumerate(episode.states)]
        taken = [along(*pair) for pair in zip(episode.rewards, worth[1:], strict=True)]
        errors = [t for t, (had, has) in enumerate(zip(worth, taken, strict=False), 1) if had != has]
        marks = judge(episode, solve(instance))
        assert marks.first_error == (errors[0] if errors else None) and marks.losing == (1 in errors)
        assert marks.regret == worth[0][0] - sum(episode.rewards) and marks.shortest == 3.0
        first_errors.add(marks.first_error)
    assert len(first_errors) > 2


def test_metrics_on_made_up_episodes():
    def mark(solved, losing, first_error):
        return Marks(solved, losing, losing, False, True, True, first_error, 5.0, float(losing), True)

    marks = [mark(True, False, None), mark(True, True, 1), mark(False, False, 4), mark(False, True, 1)]
    assert rate(marks, "success") == 0.5 and rate(marks, "err@1") == 0.5
    assert rate(marks, "first error") == 2.0 and rate(marks, "first error, censored") == 3.0
    assert rate(marks, "recovery") == pytest.approx(1 / 3)
    assert np.isnan(rate(marks[:1], "recovery"))
    low, high = interval(marks * 25, "success")
    assert 0.35 < low < 0.5 < high < 0.65
    assert mcnemar([True] * 10 + [False], [False] * 10 + [True])[:2] == (10, 1)
    assert mcnemar([True] * 8, [False] * 8)[2] == pytest.approx(2 / 2**8)
    assert area([1, 10, 100], [0.0, 1.0, 1.0]) == pytest.approx(0.75)
