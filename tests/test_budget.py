"""What a budget allows: units counted exactly, and slices against a clock that the tests move."""

from types import SimpleNamespace

import pytest

import planners.budget
from planners.budget import EXPANSIONS, SIMULATIONS, UNLIMITED, Budget, new_cost, spend, spent

INFINITE = float("inf")


class Work:
    """Units that each take a second and count as a simulation; `asked` lists how many were asked for at a time."""

    def __init__(self, budget, monkeypatch, exists=UNLIMITED):
        self.budget, self.left, self.limit = budget, exists, budget.limits()[SIMULATIONS]
        self.cost, self.asked, self.now = new_cost(), [], 0.0
        monkeypatch.setattr(planners.budget, "time", SimpleNamespace(perf_counter=lambda: self.now))

    def advance(self, n):
        did = int(min(n, self.left, self.limit - self.cost[SIMULATIONS]))
        self.asked.append(n)
        self.left -= did
        self.now += did
        self.cost[SIMULATIONS] += did
        return did

    def spend(self, grain=1):
        return spend(self.advance, self.budget, 7, self.cost, grain)


@pytest.mark.parametrize(
    ("budget", "grain", "done"),
    [
        (Budget(), 1, 7),
        (Budget(units=3), 1, 3),
        (Budget(units=12), 4, 12),
        (Budget(simulations=12), 1, 12),
        (Budget(simulations=12), 5, 12),
        (Budget(simulations=3), 5, 3),
        (Budget(units=3, simulations=12), 1, 3),
        (Budget(units=30, simulations=12), 1, 12),
        (Budget(expansions=2), 1, 7),  # never made, so the planner's own number holds, not infinity
        (Budget(expansions=2), 5, 7),
        (Budget(expansions=2), 9, 9),
        (Budget(units=20, expansions=2), 1, 20),
        (Budget(simulations=12, expansions=2), 1, 12),
    ],
)
def test_counted_budgets(budget, grain, done, monkeypatch):
    assert Work(budget, monkeypatch).spend(grain) == done


@pytest.mark.parametrize(
    ("budget", "grain", "exists", "asked"),
    [
        (Budget(seconds=10.0), 1, 100, [1, 2, 3, 2, 1, 1]),  # at most twice as many as before, at most half of what is left
        (Budget(seconds=10.0), 3, 100, [3, 3, 3, 3]),
        (Budget(seconds=10.0), 1, 4, [1, 2, 3]),
        (Budget(seconds=10.0, units=5), 1, 100, [1, 2, 2]),
        (Budget(seconds=10.0, units=4), 3, 100, [3, 1]),
        (Budget(seconds=10.0, simulations=4), 1, 100, [1, 2, 3]),
        (Budget(seconds=0.5), 1, 100, [1]),
        (Budget(seconds=0.5, units=5), 1, 100, [1]),
        (Budget(seconds=INFINITE, units=5), 1, 100, [5]),  # a decision that is repeated is not sliced
        (Budget(seconds=10.0, units=3).repeated(8), 1, 100, [8]),
        (Budget(units=3).repeated(8), 1, 100, [8]),
    ],
)
def test_the_clock_ends_a_slice(budget, grain, exists, asked, monkeypatch):
    work = Work(budget, monkeypatch, exists)
    assert work.spend(grain) == work.cost[SIMULATIONS]
    assert work.asked == asked


def test_slices_may_be_made_shorter(monkeypatch):
    monkeypatch.setattr(planners.budget, "LONGEST_SLICE", 2)
    work = Work(Budget(seconds=10.0), monkeypatch)
    assert work.spend() == 10 and work.asked == [1, 2, 2, 2, 1, 1, 1]


def test_limits_are_reached_by_any_counter():
    limit = Budget(expansions=3, evaluations=9).limits()
    assert sorted(limit)[:3] == [3, 9, UNLIMITED]
    cost = new_cost()
    for expansions, reached in ((2, False), (3, True), (4, True)):
        cost[EXPANSIONS] = expansions
        assert spent(cost, limit) is reached
    assert Budget(seconds=2.0).repeated(5) == Budget(units=5, seconds=INFINITE)
