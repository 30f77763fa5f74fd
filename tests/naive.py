"""The twin: CFR over OpenSpiel states with dictionaries and recursion, as slow and as obvious as possible.

It follows the formulas of the papers infoset by infoset and shares no code with the project.
"""

from types import SimpleNamespace

import pyspiel
from naive_rules import TWINS, normalised


class Infoset:
    """One infoset: its number, actions, and tables keyed by action."""

    def __init__(self, player, key, actions, number):
        self.player, self.key, self.actions, self.number = player, key, actions, number
        self.R = dict.fromkeys(actions, 0.0)
        self.S = dict.fromkeys(actions, 0.0)
        self.sigma = {a: 1.0 / len(actions) for a in actions}
        self.r = dict.fromkeys(actions, 0.0)
        self.reach = self.counterfactual_reach = 0.0
        self.trend = dict.fromkeys(actions, 0.0)
        self.parent = None  # the player's infoset before this one, and the action there
        self.memory = {"regret": 0.0, "policy": 0.0}


class Tree:
    """A game's states, visited once; `infosets` are per player in order of first visit."""

    def __init__(self, game):
        if game.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
            game = pyspiel.convert_to_turn_based(game)
        self.players = game.num_players()
        self.infosets = [{} for _ in range(self.players)]
        self.root = self._visit(game.new_initial_state(), (None,) * self.players)

    def _visit(self, state, last):
        if state.is_terminal():
            return SimpleNamespace(returns=state.returns())
        if state.is_chance_node():
            return SimpleNamespace(
                returns=None, outcomes=[(p, self._visit(state.child(a), last)) for a, p in state.chance_outcomes()]
            )
        player, key = state.current_player(), state.information_state_string()
        table = self.infosets[player]
        if key not in table:
            table[key] = Infoset(player, key, state.legal_actions(), len(table))
            table[key].parent = last[player]
        node = SimpleNamespace(returns=None, outcomes=None, infoset=table[key])
        node.children = {}
        for a in state.legal_actions():
            node.children[a] = self._visit(state.child(a), (*last[:player], (table[key], a), *last[player + 1 :]))
        return node


class NaiveCFR:
    """CFR with a named variant of `TWINS`; the attribute `tree` holds the infosets and their tables."""

    def __init__(self, game, variant, alternating=True, **params):
        self.tree, self.twin, self.alternating = Tree(game), TWINS[variant], alternating
        self.p = SimpleNamespace(**{"planned_iterations": 1000, **self.twin.defaults, **params})
        self.memory = {"regret": 0.0, "policy": 0.0}
        self.t = 0

    def run(self, iterations):
        players = range(self.tree.players)
        for _ in range(iterations):
            self.t += 1
            if not self.alternating:
                for player in players:
                    self.measure(player)
            for player in players:
                if self.alternating:
                    self.measure(player)
                for infoset in self.tree.infosets[player].values():
                    self.update(infoset)
        return self

    def measure(self, player):
        """Find the regrets, with the rule's terms in the values of actions."""
        instantaneous_regrets(self.tree, player)
        infosets = list(self.tree.infosets[player].values())
        below = {i.key: self.twin.terms(i, self.t, self.p) for i in infosets}
        for i in reversed(infosets):
            expected = sum(i.sigma[a] * below[i.key][a] for a in i.actions)
            for a in i.actions:
                i.r[a] += below[i.key][a] - expected
            if i.parent:
                before, action = i.parent
                below[before.key][action] += expected

    def update(self, infoset):
        """Average the policy that was played, add the regrets, derive the next policy."""
        infoset.shared = self.memory
        keep, weight = self.twin.average(infoset, self.t, self.p)
        for a in infoset.actions:
            infoset.S[a] = keep * infoset.S[a] + weight * infoset.reach * infoset.sigma[a]
        self.twin.update(infoset, self.t, self.p)

    def average(self):
        return [{key: normalised(i.S) for key, i in table.items()} for table in self.tree.infosets]


def instantaneous_regrets(tree, player):
    """Set r, own reach and counterfactual reach of the player's infosets against the present policies."""
    table = tree.infosets[player]
    for i in table.values():
        i.r, i.reach, i.counterfactual_reach = dict.fromkeys(i.actions, 0.0), 0.0, 0.0

    def value(node, own, others):
        if node.returns is not None:
            return node.returns[player]
        if node.outcomes is not None:
            return sum(p * value(child, own, others * p) for p, child in node.outcomes)
        i = node.infoset
        if i.player != player:
            return sum(i.sigma[a] * value(child, own, others * i.sigma[a]) for a, child in node.children.items())
        values = {a: value(child, own * i.sigma[a], others) for a, child in node.children.items()}
        expected = sum(i.sigma[a] * values[a] for a in i.actions)
        for a in i.actions:
            i.r[a] += others * (values[a] - expected)
        i.reach = own
        i.counterfactual_reach += others
        return expected

    return value(tree.root, 1.0, 1.0)


def evaluate(game, policy):
    """Return every player's value and best-response value against `policy`, a table infoset -> action -> probability a player."""
    tree = Tree(game)
    for table, own in zip(tree.infosets, policy, strict=True):
        for key, i in table.items():
            i.sigma = {a: own[key][a] for a in i.actions}
    values = [instantaneous_regrets(tree, player) for player in range(tree.players)]
    return values, [best_response(tree, player) for player in range(tree.players)]


def best_response(tree, player):
    """Return the value of the player's best response, its choices fixed from the last infoset to the first."""
    choice, members = {}, {}

    def collect(node, others):
        if node.returns is not None:
            return
        if node.outcomes is not None:
            for p, child in node.outcomes:
                collect(child, others * p)
            return
        i = node.infoset
        if i.player == player:
            members.setdefault(i.key, []).append((node, others))
        for a, child in node.children.items():
            collect(child, others if i.player == player else others * i.sigma[a])

    def value(node):
        if node.returns is not None:
            return node.returns[player]
        if node.outcomes is not None:
            return sum(p * value(child) for p, child in node.outcomes)
        i = node.infoset
        if i.player == player:
            return value(node.children[choice[i.key]])
        return sum(i.sigma[a] * value(child) for a, child in node.children.items())

    collect(tree.root, 1.0)
    for key, i in reversed(tree.infosets[player].items()):
        choice[key] = max(i.actions, key=lambda a: sum(others * value(node.children[a]) for node, others in members[key]))
    return value(tree.root)
