"""Monte-Carlo CFR as a student would write it: recursion over a tree of tuples, dictionaries, one class a walk.

A node is (who, what, children): a player, its infoset and its actions' nodes; "chance", probabilities and the outcomes' nodes; "end",
payoffs and nothing. Random numbers are drawn in the order of the walk, as the kernels do.
"""

from collections import defaultdict

import numpy as np

from games.histories import CHANCE, TERMINAL, moves_of_source
from games.random import stream, unit


def tree_of_state(state):
    """Return the node of an OpenSpiel state."""
    if state.is_terminal():
        return "end", tuple(state.returns()), ()
    if state.is_chance_node():
        outcomes = state.chance_outcomes()
        return "chance", [p for _, p in outcomes], [tree_of_state(state.child(a)) for a, _ in outcomes]
    player = state.current_player()
    children = [tree_of_state(state.child(a)) for a in state.legal_actions()]
    return player, state.information_state_string(), children


def tree_of_source(source):
    """Return the root of a game file."""
    moves = moves_of_source(source)

    def grow():
        who, what, count = next(moves)
        who = {CHANCE: "chance", TERMINAL: "end"}.get(who, who)
        return who, what, [grow() for _ in range(count)]

    return grow()


def infosets(node, found=None):
    """Return the numbers of actions of all infosets, (player, infoset) -> actions, in the order of a depth-first walk."""
    found = {} if found is None else found
    who, what, children = node
    if who not in ("chance", "end"):
        found.setdefault((who, what), len(children))
    for child in children:
        infosets(child, found)
    return found


def flat(table, root, players):
    """Return a dictionary of lists, by infoset, as the table of all players' pairs."""
    order = infosets(root)
    rows = [table[key] if key in table else [0.0] * count for p in range(players) for key, count in order.items() if key[0] == p]
    return np.concatenate([np.asarray(row, float) for row in rows])


def matched(regrets):
    """Return the policy of regret matching."""
    positive = [max(r, 0.0) for r in regrets]
    total = sum(positive)
    return [p / total for p in positive] if total > 0.0 else [1.0 / len(regrets)] * len(regrets)


class Twin:
    """A method by its parameters: `baseline` 0 is none, `epsilon` None external sampling."""

    def __init__(self, root, players, *, seed=0, epsilon=None, baseline=0.0, weights="uniform", alpha=1.5, beta=0.0, gamma=2.0):
        self.root, self.players, self.rng = root, players, stream("mccfr", seed)
        self.epsilon, self.step, self.weights = epsilon, baseline, weights
        self.exponents = alpha, beta, gamma
        counts = infosets(root)
        self.R, self.S = ({key: [0.0] * n for key, n in counts.items()} for _ in range(2))
        self.baseline = [defaultdict(float) for _ in range(players)]
        self.nodes = 0

    def iterate(self, t):
        alpha, beta, gamma = self.exponents
        linear = t if self.weights == "linear" else 1.0
        self.of_regrets, self.of_policy = linear, t**gamma if self.weights == "discounted" else linear
        for player in range(self.players):
            if self.epsilon is None:
                self.external(self.root, player, 1.0)
            else:
                self.outcome(self.root, player, 1.0, 1.0, 1.0)
        if self.weights == "discounted":  # everywhere, at once
            for row in self.R.values():
                for k, r in enumerate(row):
                    row[k] = r * (t**alpha / (t**alpha + 1) if r > 0 else t**beta / (t**beta + 1))

    def draw(self, probabilities):
        if len(probabilities) == 1:
            return 0
        u, total = unit(self.rng), 0.0
        for k, p in enumerate(probabilities):
            total += p
            if u < total:
                return k
        return max(k for k, p in enumerate(probabilities) if p > 0.0)

    def external(self, node, player, third):
        """Return the sampled value of a node to `player`; `third` is the reach of those who neither walk nor are averaged."""
        who, what, children = node
        self.nodes += 1
        if who == "end":
            return what[player]
        if who == "chance":
            return self.external(children[self.draw(what)], player, third)
        sigma = matched(self.R[who, what])
        if who == (player + 1) % self.players:
            for k, p in enumerate(sigma):
                self.S[who, what][k] += self.of_policy * p / third
        if who == player:
            values = [self.external(child, player, third) for child in children]
            value = sum(p * v for p, v in zip(sigma, values, strict=True))
            for k, v in enumerate(values):
                self.R[who, what][k] += self.of_regrets * (v - value)
            return value
        a = self.draw(sigma)
        value = self.external(children[a], player, third if who == (player + 1) % self.players else third * sigma[a])
        if not self.step:
            return value
        b = self.baseline[player]
        expected = sum(p * b[who, what, k] for k, p in enumerate(sigma))
        correction = value - b[who, what, a]
        b[who, what, a] += self.step * correction
        return expected + correction

    def outcome(self, node, player, own, others, sample):
        """Return the estimated value of a node to `player`, reached by itself, by all others with chance, and by the draws."""
        who, what, children = node
        self.nodes += 1
        if who == "end":
            return what[player]
        if who == "chance":
            a = self.draw(what)
            return self.outcome(children[a], player, own, others * what[a], sample * what[a])
        sigma = matched(self.R[who, what])
        mine = who == player
        played = [self.epsilon / len(sigma) + (1 - self.epsilon) * p for p in sigma] if mine else sigma
        a = self.draw(played)
        value = self.outcome(
            children[a], player, own * sigma[a] if mine else own, others if mine else others * sigma[a], sample * played[a]
        )  # fmt: skip
        b = self.baseline[player]
        values = [b[who, what, k] if self.step else 0.0 for k in range(len(sigma))]
        correction = value - values[a]
        values[a] += correction / played[a]
        b[who, what, a] += self.step * correction
        expected = sum(p * v for p, v in zip(sigma, values, strict=True))
        if mine:
            for k, p in enumerate(sigma):
                self.R[who, what][k] += self.of_regrets * others / sample * (values[k] - expected)
                self.S[who, what][k] += self.of_policy * own / sample * p
        return expected


class FullWidth:
    """What one update is in the mean, by a walk over every history: regrets, and both kinds of averages."""

    def __init__(self, root, players, policy):
        """`policy` maps (player, infoset) to probabilities."""
        self.players, self.policy = players, policy
        counts = infosets(root)
        self.regrets, self.once, self.by_chance = ({key: np.zeros(n) for key, n in counts.items()} for _ in range(3))
        self.visit(root, np.ones(players), 1.0)

    def visit(self, node, reach, chance):
        """Return the values of a node to all players."""
        who, what, children = node
        if who == "end":
            return np.array(what, float)
        if who == "chance":
            return sum(p * self.visit(child, reach, chance * p) for p, child in zip(what, children, strict=True))
        sigma, values = self.policy[who, what], []
        for p, child in zip(sigma, children, strict=True):
            further = reach.copy()
            further[who] *= p
            values.append(self.visit(child, further, chance))
        value = sum(p * v for p, v in zip(sigma, values, strict=True))
        others = chance * np.prod(np.delete(reach, who))
        self.regrets[who, what] += others * np.array([v[who] - value[who] for v in values])
        self.once[who, what] += reach[who] * np.asarray(sigma)  # outcome sampling: every history of the infoset alike
        self.by_chance[who, what] += reach[who] * chance * np.asarray(sigma)  # external sampling: by chance's reach
        return value
