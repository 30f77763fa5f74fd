"""The CFR iteration, written once for every rule.

This file is a template: `solvers.cfr.binding` replaces its import of `solvers.cfr.unbound` by the functions of a rule. Compiled
rules get it compiled, which removes all interpreter time from an iteration; NumPy rules get it as plain Python. What no rule has a
part in is `solvers.cfr.evaluation`, compiled once; what a rule does not ask for is not there once the loop is compiled.
"""

from solvers import kernels
from solvers.cfr.evaluation import add_terms, evaluate, reach_of_others
from solvers.cfr.unbound import (
    OTHERS,
    REGULARISED,
    accumulate_policy,
    accumulate_regret,
    bound,
    derive_policy,
    others_reach,
    part,
    player_state,
    regularise,
)
from solvers.rule import Infosets

refresh_plan = part(kernels.refresh_plan)


@part
def ask_others(player, tree, rows, tables, state):
    """Fill the rule's memories that hold the others' reach."""
    i, j = tree.infoset_start[player], tree.infoset_start[player + 1]
    for out in others_reach(state, i, j):
        reach_of_others(player, tree, rows, tables, out)


@part
def ask_terms(player, tree, rule_tree, tables, params, state, t):
    """Let the rule add terms to the values of actions, and so to the regrets."""
    a, b = tree.action_start[player], tree.action_start[player + 1]
    i, j = tree.infoset_start[player], tree.infoset_start[player + 1]
    infosets = Infosets(rule_tree.first[i:j], rule_tree.count[i:j], player)
    tables.q[:] = 0.0
    terms = tables.q[1 : b - a + 1]
    regularise(terms, tables.sigma[a:b], tables.reach[i:j], t, infosets, params, player_state(state, a, b, i, j))
    add_terms(player, tree, tables)


@part
def update(player, tree, rule_tree, tables, params, state, t):
    """Apply the rule to the player's tables and refresh its plan; return the first infoset with a bad policy or -1."""
    a, b = tree.action_start[player], tree.action_start[player + 1]
    i, j = tree.infoset_start[player], tree.infoset_start[player + 1]
    infosets = Infosets(rule_tree.first[i:j], rule_tree.count[i:j], player)
    memory = player_state(state, a, b, i, j)
    S, sigma, R, r, reach = tables.S[a:b], tables.sigma[a:b], tables.R[a:b], tables.r[a:b], tables.reach[i:j]
    accumulate_policy(S, sigma, reach, r, R, t, infosets, params, memory)
    accumulate_regret(R, r, t, infosets, params, memory)
    derive_policy(sigma, R, r, t, infosets, params, memory)
    plan = tables.plan[a + player : b + player + 1]
    return refresh_plan(sigma, tree.parent[i:j], tree.first[i:j], tree.count[i:j], plan, reach)


@bound
def iterate(tree, rule_tree, rows, payoffs, tables, params, state, start, stop, alternating):
    """Run iterations start..stop in place; return (iterations done, player, infoset) with -1, -1 unless a policy is bad."""
    players = len(tree.action_start) - 1
    for t in range(start, stop + 1):
        if not alternating:  # regrets of everybody from the same policies, kept apart in tables.r
            for player in range(players):
                evaluate(player, tree, payoffs, tables)
                if OTHERS:
                    ask_others(player, tree, rows, tables, state)
                if REGULARISED:
                    ask_terms(player, tree, rule_tree, tables, params, state, t)
        for player in range(players):
            if alternating:
                evaluate(player, tree, payoffs, tables)
                if OTHERS:
                    ask_others(player, tree, rows, tables, state)
                if REGULARISED:
                    ask_terms(player, tree, rule_tree, tables, params, state, t)
            bad = update(player, tree, rule_tree, tables, params, state, t)
            if bad >= 0:
                return t, player, bad
    return stop, -1, -1
