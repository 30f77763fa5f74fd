"""Proposals: the bounded set of actions that a planner considers in a state, with their local scores.

A proposal is a record or a Python object with a method `propose`; planners then run uncompiled. It is named by a text, ``kind`` or
``kind:argument``, in every planner's parameters; `ELSEWHERE` says who makes those that are not of this file.

Parameters
----------
proposal : the candidates: all, top (the k best by local score), top-random (some of them drawn), or llm, as KIND or KIND:ARGUMENT
k : candidates at most, unless all are; at least 1
others : candidates of top-random that are drawn from the rest, the best one never; at least 0
"""

import importlib
from typing import Any, NamedTuple

import numpy as np

from games.dispatch import operation
from games.errors import UsageError, did_you_mean
from games.params import Value
from games.process import apply, promising, score
from games.random import below
from games.world import Instance
from planners.budget import PROPOSALS, SCORES

KINDS = ("all", "top", "top-random")
ALL, TOP, TOP_RANDOM = range(3)

# Kind: the function, "module:name", that makes it from an instance, `k`, and the text behind the colon.
ELSEWHERE: dict[str, str] = {"llm": "planners.language.parts:make_proposal"}

# What every planner that proposes has among its PARAMS.
PARAMS: dict[str, Value] = {"proposal": "top", "k": 8, "others": 2}


class Proposal(NamedTuple):
    """Which legal actions are candidates, best local score first, ties in the world's order.

    Attributes
    ----------
    kind : int
        ALL: every action, in the world's order; TOP: the k best by local score; TOP_RANDOM: the k - `others` best (at least the
        best one), then others, uniformly drawn from the rest.
    k, others : int
    """

    kind: int
    k: int
    others: int


def make_proposal(instance: Instance, proposal: str = "top", k: int = 8, others: int = 2) -> Any:
    """Return the proposal called `proposal` for an instance.

    Raises
    ------
    UsageError
        For an unknown kind.
    """
    kind, _, argument = proposal.partition(":")
    if kind in KINDS:
        return Proposal(KINDS.index(kind), max(1, k), min(max(0, others), max(1, k) - 1))
    if kind not in ELSEWHERE:
        legal_kinds = [*KINDS, *ELSEWHERE]
        raise UsageError(f"unknown proposal {kind!r}{did_you_mean(kind, legal_kinds)}; legal are {', '.join(legal_kinds)}")
    module, _, maker = ELSEWHERE[kind].partition(":")
    return getattr(importlib.import_module(module), maker)(instance, k, argument)


def most(proposal: Any, model: Any) -> int:
    """Return a bound on the number of candidates."""
    if isinstance(proposal, Proposal) and proposal.kind != ALL:
        return min(model.actions, proposal.k)
    return model.actions


@operation
def propose(proposal, model, state, rng, actions, scores, cost):
    """Write the candidates in `state` to `actions` (int64) and their local scores to `scores` (float64, both ``model.actions``).

    Return how many: none at a terminal state, at least one elsewhere. The first is the one to take without planning. `rng` is
    advanced by proposals that draw; `cost` is counted up. `state` is not mutated.
    """
    raise NotImplementedError


@propose.of(Proposal)
def _propose(proposal, model, state, rng, actions, scores, cost):
    count = promising(model, state, actions)
    cost[PROPOSALS] += 1
    cost[SCORES] += count
    after = np.empty(len(state), np.int64)
    for j in range(count):
        after[:] = state
        reward = apply(model, after, actions[j])
        scores[j] = score(model, state, actions[j], after, reward)
    if proposal.kind == ALL or count <= 1:
        return count
    kept = min(count, proposal.k)
    best = kept if proposal.kind == TOP else kept - min(proposal.others, kept - 1)
    for i in range(best):  # the best ones to the front, ties in order: what is passed over moves back by one
        top = i
        for j in range(i + 1, count):
            if scores[j] > scores[top]:
                top = j
        action, s = actions[top], scores[top]
        for j in range(top, i, -1):
            actions[j], scores[j] = actions[j - 1], scores[j - 1]
        actions[i], scores[i] = action, s
    for i in range(best, kept):
        other = i + below(rng, count - i)
        action, s = actions[other], scores[other]
        actions[other], scores[other] = actions[i], scores[i]
        actions[i], scores[i] = action, s
    return kept
