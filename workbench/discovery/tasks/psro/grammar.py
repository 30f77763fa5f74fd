"""What meta-strategy solvers are made of, and fragments of published ones."""

from workbench.discovery.genome.grammar import Grammar, Idiom, Part, Template

TEMPLATES = (
    Template("{0} + {1}", 2.0),
    Template("{0} - {1}", 2.0),
    Template("{0} * {1}", 2.0),
    Template("{c} * {0}", 2.0),
    Template("safe_divide({0}, {1})", 0.7),
    Template("safe_power({0}, {c})", 0.7, 1.5),
    Template("safe_exp({0})", 0.4),
    Template("safe_log1p({0})", 0.3),
    Template("safe_sqrt({0})", 0.3),
    Template("max({0}, 0.0)", 1.0),
    Template("max({0}, {1})", 0.4),
    Template("min({0}, {1})", 0.4),
    Template("abs({0})", 0.3),
    Template("{0} if {?} else {1}", 0.5),
    Template("{0} * min(1.0, iteration / {c})", 0.7, 75.0),
    Template("{0} * max(0.0, 1.0 - iteration / {c})", 0.7, 75.0),
)
CONDITIONS = (
    Template("{0} > 0.0", 2.0),
    Template("{0} > {1}", 1.0),
    Template("iteration > {c}", 0.5, 30.0),
)
_PART = "[meta.start[{i}]:meta.start[{i} + 1]]"
SUMMARIES = tuple(f"{name}({{x}}{_PART})" for name in ("max_of", "min_of", "sum_of"))


def _idioms(function: str) -> tuple[Idiom, ...]:
    own = "[meta.start[i]:meta.start[i + 1]]"
    return (
        Idiom("regrets cut at zero", function, "regrets", "*", "max(_, 0.0)"),
        Idiom("discount", function, "regrets", "regrets", "params.keep * _", constants={"keep": 0.95}),
        Idiom("last payoffs as prediction", function, "positive", "regrets", "_ + params.optimism * (values[k] - centre)",
              outer=f"centre = dot(strategies{own}, values{own})", constants={"optimism": 1.0}),
        Idiom("blend with a softmax", function, "positive", "*",
              "(1.0 - params.blend) * safe_divide(_, size) + params.blend * safe_exp((values[k] - best) / params.temperature)",
              outer=f"best = max_of(values{own})\nsize = sum_of(positive{own})", constants={"blend": 0.1, "temperature": 0.1}),
        Idiom("annealed bonus for diversity", function, "positive", "*",
              "_ + params.diversity * max(0.0, 1.0 - iteration / params.horizon) * (1.0 - strategies[k])",
              constants={"diversity": 0.05, "horizon": 75.0}),
        Idiom("powers as weights", function, "positive", "*", "safe_power(max(_, 0.0), params.exponent)",
              constants={"exponent": 1.5}),
        Idiom("later strategies count more", function, "average", "strategies", "_ * safe_power(t, params.growth)",
              constants={"growth": 1.0}, weight=0.5),
        Idiom("part of uniform", function, "average", "strategies", "(1.0 - params.share) * _ + params.share / meta.sizes[i]",
              constants={"share": 0.1}, weight=0.5),
    )  # fmt: skip


_ARRAYS = ("values", "strategies", "regrets", "positive", "average")
_INDICES = {"meta.start": "player", "meta.sizes": "player"}


def _part(table: str, weight: float) -> Part:
    arrays = dict.fromkeys(_ARRAYS, "policy")
    return Part(
        arrays, ("iteration",), _INDICES, weight, frozenset({"positive", "average"}), frozenset({"strategies"}), table=table
    )  # fmt: skip


GRAMMAR = Grammar(
    functions={"train": _part("TRAIN", 1.0), "evaluate": _part("EVAL", 0.5)},
    templates=TEMPLATES,
    conditions=CONDITIONS,
    idioms=(*_idioms("train"), *_idioms("evaluate")),
    summaries=SUMMARIES,
    arguments={"safe_divide": (0, 1), "safe_power": (0, 1), "safe_exp": (0,), "safe_log1p": (0,), "safe_sqrt": (0,)},
    inner="policy",
    outer="player",
    constants=(0.01, 0.1, 0.5, 1.0, 2.0),
    size_limit=600,
)
