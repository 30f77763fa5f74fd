"""Which of several models is asked: drawn by weight, or by a bandit on improvements per cost."""

import math
from collections.abc import Sequence

import numpy as np

from workbench.discovery.books.records import OK
from workbench.discovery.operators.language.settings import Model
from workbench.discovery.population.view import Trace


def draw(models: Sequence[Model], rng: np.random.Generator) -> Model:
    """Return one of `models` with a probability in proportion to its weight."""
    weights = np.array([model.weight for model in models])
    return models[int(rng.choice(len(models), p=weights / weights.sum()))]


def choose(models: Sequence[Model], trail: Sequence[Trace], exploration: float, rng: np.random.Generator) -> Model:
    """Return the model with the largest upper confidence bound on improvements per cost; untried ones are drawn first.

    The reward of a proposal is 1 if its program scored higher than the parent, else 0, which is free of the scores' scale; the
    bound is that of UCB1 over the model's mean cost (after Ding et al. 2013, "Multi-armed bandit with budget constraint and
    variable costs"). Cost is money if the models have prices, else tokens. All is a function of `trail`, so a resumed run chooses
    alike.
    """
    tried = {model.name: [trace for trace in trail if trace.detail.get("model") == model.name] for model in models}
    fresh = [model for model in models if not tried[model.name]]
    if fresh:
        return draw(fresh, rng)
    priced = all(model.price is not None for model in models)
    costs = {name: _mean_cost(traces, priced) for name, traces in tried.items()}
    dearest = max(costs.values()) or 1.0  # for a model that has never answered
    total = sum(map(len, tried.values()))

    def bound(model: Model) -> float:
        traces = tried[model.name]
        reward = sum(map(_improves, traces)) / len(traces)
        return (reward + exploration * math.sqrt(2.0 * math.log(total) / len(traces))) / (costs[model.name] or dearest)

    return max(models, key=bound)


def _improves(trace: Trace) -> bool:
    return trace.status == OK and trace.score is not None and trace.score > _number(trace, "parent_score")


def _mean_cost(traces: Sequence[Trace], priced: bool) -> float:
    """Return the mean cost of those proposals that were answered; 0 if none was."""
    keys = ("cost",) if priced else ("tokens_in", "tokens_out")
    paid = [sum(_number(trace, key) for key in keys) for trace in traces]
    answered = [cost for cost in paid if cost > 0.0]
    return math.fsum(answered) / len(answered) if answered else 0.0


def _number(trace: Trace, key: str) -> float:
    value = trace.detail[key]
    assert isinstance(value, (int, float))  # `LanguageOperator.propose` wrote it
    return float(value)
