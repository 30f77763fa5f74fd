"""Which rules depend on the scale of payoffs: their policies change when all payoffs are multiplied by 1024, a power of two."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.catalogue.algorithms import find_algorithm
from workbench.catalogue.entries import CFR

# docs/conventions.md names these: their regrets are compared with constants (a floor, a largest expected regret, a volatility).
DEPEND_ON_SCALE = {"vad-cfr", "smooth-pcfr+", "stable-pcfr+", "mmd", "mmd-q", "rtcfr+"}  # the new ones by a floor and a step size


@pytest.mark.parametrize("algo", CFR)
def test_rules_that_depend_on_the_scale_of_payoffs_are_known(algo, game):
    small = game("kuhn_2p")
    large = replace(
        small,
        rows=small.rows._replace(utility=1024.0 * small.rows.utility),
        blocks=small.blocks._replace(unit=1024.0 * small.blocks.unit),
    )
    given = {"warmup_iterations": 2} if algo == "vad-cfr" else {}
    policies = []
    for g in (small, large):
        solver = find_algorithm(algo, given, 40).make(g, alternating=True)
        solver.advance(40)
        policies.append(solver.average_policy())
    assert np.array_equal(*policies) == (algo not in DEPEND_ON_SCALE)
