"""Exploitability of the first hundred iterations against independently computed values."""

from decimal import Decimal

import pytest

from solvers.exploitability import Evaluator

ITERATIONS = (1, 2, 5, 10, 20, 50, 100)
# Rounding is amplified along a run: relative tolerance by iteration; Leduc has ties and is worse at 100.
TOLERANCE = {1: 1e-9, 2: 1e-9, 5: 1e-9, 10: 1e-9, 20: 1e-9, 50: 1e-7}
LAST = {"kuhn_2p": 1e-7, "leduc_2p": 1e-3}
SETTINGS = {"vad-cfr": {"warmup_iterations": 0}, "hs-pcfr+": {"planned_iterations": 1000}, "hs-dcfr": {"planned_iterations": 1000}}
TABLE = """
kuhn_2p cfr | .4583333333 | .2708333333 | .1213888889 | .06869879382 | .04067019775 | .01517660195 | .008225977316
kuhn_2p cfr+ | .4583333333 | .2638888889 | .0733445295 | .03268709067 | .01010897737 | .002797250605 | .001194404101
kuhn_2p lcfr | .4583333333 | .2638888889 | .09614590522 | .02125073061 | .01085499987 | .002372107503 | .001089027365
kuhn_2p dcfr | .4583333333 | .2583333333 | .0664327762 | .02277878393 | .01152063311 | .003198004229 | .001666341971
kuhn_2p dcfr+ | .4583333333 | .2524509804 | .07892021225 | .02131450884 | .01250355348 | .003288742179 | .001523996831
kuhn_2p hs-dcfr | .4583333333 | .25 | .1106447466 | .08432414347 | .02840987072 | .02387073778 | .009846013541
kuhn_2p pcfr+ | .4583333333 | .2583333333 | .06645421008 | .02020657205 | .002639591067 | .0001830917366 | 2.322955399e-5
kuhn_2p dpcfr+ | .4583333333 | .2512626263 | .04100981304 | .02948123282 | .001836032842 | 6.539594749e-6 | 1.104827318e-7
kuhn_2p hs-pcfr+ | .4583333333 | .25 | .1737661448 | .110461686 | .005451095253 | 5.07081842e-7 | -
kuhn_2p vad-cfr | .4583333333 | .2587282623 | .07145024881 | .03087202002 | .005722017029 | .0004260094084 | 5.36344349e-5
kuhn_2p aod-cfr | .4583333333 | .2603877856 | .09392547499 | .0578793634 | .02046695945 | .002553585357 | .0004693149106
leduc_2p cfr | 2.373611111 | 2.061319444 | 1.47132456 | .8885789832 | .4531456534 | .189083466 | .095716353
leduc_2p cfr+ | 2.373611111 | 2.057916667 | 1.37123237 | .6104389016 | .1736553734 | .03412145649 | .013415995
leduc_2p lcfr | 2.373611111 | 2.057916667 | 1.43592849 | .7210651557 | .2559778068 | .06899518452 | .03449
leduc_2p dcfr+ | 2.373611111 | 2.052312092 | 1.366427222 | .5754815728 | .130883031 | .04601757867 | .0085073
leduc_2p hs-dcfr | 2.373611111 | 2.051111111 | 2.054612962 | 1.192197207 | .2816051522 | .178481489 | .0399636
leduc_2p dcfr | 2.373611111 | 2.055194444 | 1.450546884 | .778802047 | .166796818 | .02292183228 | .00776315
leduc_2p pcfr+ | 2.373611111 | 2.055194444 | 1.426585852 | .5368473489 | .1465023873 | .04231578222 | .0198013
leduc_2p dpcfr+ | 2.373611111 | 2.051729798 | 1.530115823 | .6269293883 | .152576623 | .04213396657 | .0176466
leduc_2p hs-pcfr+ | 2.373611111 | 2.051111111 | 1.72475932 | .5026069347 | .1782076207 | .08732385356 | .0310684
leduc_2p vad-cfr | 2.373611111 | 2.060747512 | 1.865405442 | .5862829837 | .1790395651 | .03006122905 | .0086015
leduc_2p aod-cfr | 2.373611111 | 2.069428679 | 1.708566993 | .7988743688 | .2460419109 | .09951397808 | .0228836
"""
ROWS = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].replace(" ", "-"))
def test_table(row, game, solve):
    name, algo = row[0].split()
    solver, evaluate = solve(name, algo, 0, **SETTINGS.get(algo, {})), Evaluator(game(name))
    for t, printed in zip(ITERATIONS, row[1:], strict=True):
        solver.advance(t)
        if printed == "-":
            continue
        half_unit = float(Decimal(1).scaleb(Decimal(printed).as_tuple().exponent)) / 2
        expected, found = float(printed), evaluate(solver.average_policy()).exploitability
        allowed = half_unit + expected * TOLERANCE.get(t, LAST[name])
        assert abs(found - expected) <= allowed, f"t = {t}: {found:.12g}, printed {printed}"


def test_kuhn_value(game, solve):
    """The first player of Kuhn poker loses 1/18 a deal; CFR's values lie within its exploitability of it."""
    policy = solve("kuhn_2p", "dpcfr+", 1000).average_policy()
    values = Evaluator(game("kuhn_2p"))(policy).values
    assert values[0] == pytest.approx(-1 / 18, abs=1e-11)
    assert values[1] == pytest.approx(1 / 18, abs=1e-11)
