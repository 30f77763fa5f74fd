"""What CFR update rules are made of, and fragments of published rules."""

from workbench.discovery.genome.grammar import Grammar, Idiom, Part, Template

_INDICES = {"infosets.first": "infoset", "infosets.count": "infoset"}
_NUMBERS = ("t",)

TEMPLATES = (
    Template("{0} + {1}", 2.0),
    Template("{0} - {1}", 2.0),
    Template("{0} * {1}", 2.0),
    Template("{c} * {0}", 2.0),
    Template("safe_divide({0}, {1})", 0.5),
    Template("safe_divide({0}, abs({1}) + {c})", 0.5),
    Template("safe_power({0}, {c})", 1.0, 1.5),
    Template("safe_power(t, {c})", 0.5, 1.5),
    Template("safe_exp({0})", 0.2),
    Template("safe_log1p({0})", 0.3),
    Template("safe_sqrt({0})", 0.3),
    Template("max({0}, 0.0)", 1.0),
    Template("max({0}, {1})", 0.4),
    Template("min({0}, {1})", 0.4),
    Template("abs({0})", 0.3),
    Template("{0} if {?} else {1}", 0.5),
    Template("{0} if {?} else {c} * {0}", 0.7),
    Template("{0} * discount(t, {c})", 1.0, 1.5),
    Template("{0} * ramp(t, {c})", 0.5, 100.0),
    Template("ema({0}, {1}, {c})", 0.3, 0.3),
)
CONDITIONS = (
    Template("{0} > 0.0", 2.0),
    Template("{0} > {1}", 1.0),
    Template("t > {c}", 1.0, 100.0),
    Template("{0} * {1} > 0.0", 0.5),
)
SUMMARIES = (
    "largest_in({x}, infosets, {i})",
    "mean_in({x}, infosets, {i})",
    "highest_in({x}, infosets, {i})",
    "lowest_in({x}, infosets, {i})",
    "positive_in({x}, infosets, {i})",
)
IDIOMS = (
    # Averaging
    Idiom("power average", "accumulate_policy", "S", "S", "_ * keep", top="keep = safe_power((t - 1.0) / t, params.gamma)",
          constants={"gamma": 2.0}),
    Idiom("late average", "accumulate_policy", "S", "S", "_ * (1.0 if t > params.start else 0.0)",
          constants={"start": 100.0}, weight=0.5),
    Idiom("average by size of regrets", "accumulate_policy", "S", "sigma", "_ * safe_power(size, params.weight)",
          outer="size = largest_in(r, infosets, i)", constants={"weight": 0.5}, weight=0.3),
    Idiom("average by stability", "accumulate_policy", "S", "sigma", "_ * stable",
          outer="stable = 1.0 / (1.0 + params.sensitivity * largest_in(r, infosets, i))",
          constants={"sensitivity": 1.0}, weight=0.3),
    # Regrets
    Idiom("discount", "accumulate_regret", "R", "R", "_ * keep", top="keep = discount(t - 1.0, params.alpha)",
          constants={"alpha": 1.5}),
    Idiom("discounts by sign", "accumulate_regret", "R", "*", "(_) * (positive if _ > 0.0 else negative)", bare=True,
          top="positive = discount(t, params.alpha)\nnegative = discount(t, params.beta)", constants={"alpha": 1.5, "beta": 0.5}),
    Idiom("clip", "accumulate_regret", "R", "*", "max(_, 0.0)", weight=0.5),
    Idiom("floor", "accumulate_regret", "R", "*", "max(_, params.floor)", constants={"floor": -10.0}, bare=True, weight=0.5),
    Idiom("boost of gains", "accumulate_regret", "R", "r", "_ * (params.boost if _ > 0.0 else 1.0)",
          constants={"boost": 1.1}, weight=0.5),
    Idiom("agreement of signs", "accumulate_regret", "R", "r", "_ * (params.agree if _ * R[k] > 0.0 else params.oppose)",
          constants={"agree": 1.1, "oppose": 0.9}, weight=0.5),
    Idiom("weight of time", "accumulate_regret", "R", "r", "_ * weight", top="weight = safe_power(t, params.growth)",
          constants={"growth": 1.0}, weight=0.5),
    Idiom("discount by volatility", "accumulate_regret", "R", "R", "_ * keep",
          outer="state.volatility[i] = ema(state.volatility[i], largest_in(r, infosets, i), params.rate)\n"
                "keep = discount(t, params.alpha - params.sensitivity * min(1.0, state.volatility[i]))",
          constants={"alpha": 1.5, "sensitivity": 0.5, "rate": 0.1}, state={"volatility": "infoset"}, weight=0.5),
    # Policies
    Idiom("optimism", "derive_policy", "sigma", "R", "_ + params.optimism * r[k]", constants={"optimism": 1.0}),
    Idiom("discounted optimism", "derive_policy", "sigma", "R", "_ * keep + r[k]", top="keep = discount(t, params.alpha)",
          constants={"alpha": 1.5}, weight=0.5),
    Idiom("fading optimism", "derive_policy", "sigma", "R", "_ + optimism * r[k]",
          top="optimism = 1.0 / (1.0 + t / params.horizon)",
          constants={"horizon": 100.0}, weight=0.5),
    Idiom("averaged prediction", "derive_policy", "sigma", "R", "_ + params.optimism * state.trend[k]",
          before="state.trend[k] = ema(state.trend[k], r[k], params.rate)", constants={"optimism": 1.0, "rate": 0.5},
          state={"trend": "action"}, weight=0.5),
    Idiom("trend of regrets", "derive_policy", "sigma", "R", "_ + params.weight * (R[k] - state.trend[k])",
          before="state.trend[k] = ema(state.trend[k], R[k], params.rate)", constants={"weight": 0.5, "rate": 0.1},
          state={"trend": "action"}, weight=0.5),
    Idiom("momentum of regrets", "derive_policy", "sigma", "R", "_ + params.optimism * change",
          before="change = r[k] + params.momentum * (r[k] - state.last[k])\nstate.last[k] = r[k]",
          constants={"optimism": 1.0, "momentum": 0.5}, state={"last": "action"}, weight=0.3),
    Idiom("exponent", "derive_policy", "sigma", "*", "safe_power(max(_, 0.0), params.exponent)", constants={"exponent": 1.5}),
)  # fmt: skip

_ARRAYS = {"sigma": "action", "r": "action", "R": "action"}
GRAMMAR = Grammar(
    functions={
        "accumulate_policy": Part(
            {"S": "action", **_ARRAYS, "reach": "infoset"}, _NUMBERS, _INDICES, 0.7, frozenset({"S"}), frozenset({"sigma", "reach"})
        ),
        "accumulate_regret": Part({"R": "action", "r": "action"}, _NUMBERS, _INDICES),
        "derive_policy": Part({"sigma": "action", "R": "action", "r": "action"}, _NUMBERS, _INDICES, 1.0, frozenset({"sigma"})),
    },
    templates=TEMPLATES,
    conditions=CONDITIONS,
    idioms=IDIOMS,
    summaries=SUMMARIES,
    arguments={
        "add_to_average": (4, 5), "raise_to": (1,), "discount": (0, 1), "ramp": (0, 1), "ema": (0, 1, 2), "safe_divide": (0, 1),
        "safe_power": (0, 1), "safe_exp": (0,), "safe_log1p": (0,), "safe_sqrt": (0,),
        "math.log": (), "math.exp": (), "math.sqrt": (), "math.log1p": (),
    },
    state_kinds=("action", "infoset", "game"),
)  # fmt: skip
