"""The rules of 2023 to 2026 against figures of plain programs that were written apart from them, from the same formulas.

Exploitability is NashConv / players, updates alternate, averages weigh t^2 (t^5 for RPDCFR+).
"""

import numpy as np
import pytest

from solvers.exploitability import Evaluator
from workbench.catalogue.descriptions import describe
from workbench.catalogue.entries import NEWER

TWENTY = {  # after 20 iterations on kuhn_2p and leduc_2p, to the digits that were noted
    "smooth-pcfr+": (0.04177725742, 0.8722381882),
    "stable-pcfr+": (0.0908413841, 1.448175331),
    "sapcfr+": (0.001264349563, 0.1401226843),
    "apcfr+": (0.001254345898, 0.1379963728),
    "rpdcfr+": (0.003951314082, 0.158462871),
}
LONG = {  # after 5,000 iterations, within a factor 2, for rounding grows
    "pcfr+": {"leduc_2p": 7.7e-5, "goofspiel_5": 5.1e-7, "liars_dice_5": 1.1e-5},
    "sapcfr+": {"leduc_2p": 1.1e-5, "goofspiel_5": 1.9e-7, "liars_dice_5": 1.5e-6},
    "apcfr+": {"leduc_2p": 8.5e-6, "goofspiel_5": 3.1e-8, "liars_dice_5": 1.7e-8},
    "rpdcfr+": {"leduc_2p": 1.3e-7, "goofspiel_5": 9.8e-13, "liars_dice_5": 3.2e-6},
}


@pytest.mark.parametrize("name", TWENTY)
def test_figures_after_twenty_iterations(name, game, solve):
    for on, expected in zip(("kuhn_2p", "leduc_2p"), TWENTY[name], strict=True):
        found = Evaluator(game(on))(solve(on, name, 20).average_policy()).exploitability
        assert found == pytest.approx(expected, rel=2e-9), f"{name} on {on}"


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_figures_after_five_thousand_iterations(name, game, solve):
    for on, expected in LONG[name].items():
        found = Evaluator(game(on))(solve(on, name, 5000).average_policy()).exploitability
        assert expected / 2 <= found <= 2 * expected, f"{name} on {on}: {found:.3g}"


def test_asymmetry_of_nothing_is_predictive_cfr_plus(game, solve):
    """With no asymmetry, the two rules that have one play PCFR+, to the bit."""
    expected = solve("leduc_2p", "pcfr+", 30).average_policy().tobytes()
    assert solve("leduc_2p", "sapcfr+", 30, a=0.0).average_policy().tobytes() == expected
    assert solve("leduc_2p", "apcfr+", 30, a_max=0.0).average_policy().tobytes() == expected


def test_everyone_says_where_its_definition_is_from():
    for name in NEWER:
        assert describe(name)["definition"], f"{name}: say in the catalogue how exact its definition is"


def test_a_probability_below_all_numbers_is_no_end(solve):
    """Where a step drives a probability below what numbers hold, it comes back when the payoffs turn."""
    solver = solve("kuhn_2p", "mmd", 3, eta=1e4, alpha=0.0)
    assert np.isfinite(solver.state()["R"]).all()
    assert (solver.current_policy() >= 0.0).all()


def test_fixed_temperature_is_where_the_step_leads_nowhere(game, solve):
    """With a fixed magnet and temperature, the last iterate is a soft answer to its own regrets: sigma ~ exp(r / a)."""
    solver = solve("kuhn_2p", "mmd", 4000, alpha=0.3, eta=0.2, decay=0.0)
    policy = solver.current_policy()
    solver.advance(4001)
    assert solver.current_policy() == pytest.approx(policy, abs=1e-12)
    compiled, R = game("kuhn_2p"), solver.state()["R"]
    regrets = solver._tables.r
    for player in range(2):
        pairs, infosets = compiled.player_actions(player), compiled.player_infosets(player)
        for first, count in zip(compiled.tree.first[infosets], compiled.tree.count[infosets], strict=True):
            own = slice(pairs.start + int(first), pairs.start + int(first) + int(count))
            assert np.ptp(R[own] - regrets[own] / 0.3) < 1e-9
    moving = solve("kuhn_2p", "mmd", 4000, alpha=1.0, eta=0.1, decay=0.0, pull=0.05)
    evaluate = Evaluator(compiled)
    assert evaluate(moving.current_policy()).exploitability < evaluate(policy).exploitability / 2
