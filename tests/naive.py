"""The twin: CFR over OpenSpiel states with dictionaries and recursion, as slow and as obvious as possible.

It follows the formulas of the papers infoset by infoset and shares no code with the project.
"""

from types import SimpleNamespace

import pyspiel

VAD = {
    "base_alpha": 1.5, "base_beta": -0.1, "volatility_sensitivity": 0.5, "max_expected_regret": 2.0, "boost": 1.1,
    "ewma_decay": 0.1, "regret_floor": -20.0, "optimism": 1.0, "optimism_horizon": 100.0, "policy_exponent": 1.5, "gamma": 2.0,
    "gamma_max": 4.0, "gamma_sensitivity": 1.5, "stability_exponent": 1.5, "magnitude_exponent": 0.5,
    "warmup_iterations": 500, "scope": "global",
}  # fmt: skip
AOD = {
    "horizon": 500.0, "alpha": 1.0, "alpha_gain": 1.5, "beta": 0.5, "beta_gain": -0.5, "gamma": 1.0, "gamma_gain": 4.0,
    "agree_positive": 1.1, "oppose_positive": 0.9, "oppose_negative": 0.7, "agree_negative": 1.2, "trend_weight": 0.5,
    "trend_decay": 0.1, "sign_threshold": 1e-9, "sum_threshold": 1e-12,
}  # fmt: skip
DEFAULTS = {
    "cfr": {}, "cfr+": {}, "lcfr": {}, "dcfr": {"alpha": 1.5, "beta": 0.0, "gamma": 2.0}, "dcfr+": {"alpha": 1.5, "gamma": 4.0},
    "pcfr+": {"gamma": 2.0}, "dpcfr+": {"alpha": 2.3, "gamma": 5.0}, "hs-pcfr+": {"g0": 30.0, "slope": 5.0, "planned_iterations": 1000},
    "hs-dcfr": {"g0": 30.0, "slope": 5.0, "planned_iterations": 1000}, "vad-cfr": VAD, "aod-cfr": AOD,
    "aod-distilled": {"horizon": 500.0, "alpha": 1.0, "beta": 0.0, "gamma_gain": 4.0, "trend_weight": 1.0, "trend_decay": 0.1},
    "trend-dcfr": {"alpha": 3.7, "beta": 0.3, "gamma": 13.6, "trend_weight": 0.6, "trend_rate": 0.13},
    "last-dcfr": {
        "horizon": 500.0, "alpha": 1.0, "alpha_gain": 4.0, "beta": -1.0, "beta_gain": -2.0, "trend_weight": 1.5, "trend_rate": 0.1,
    },
}  # fmt: skip


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
        self.memory = {"regret": 0.0, "policy": 0.0}


class Tree:
    """A game's states, visited once; `infosets` are per player in order of first visit."""

    def __init__(self, game):
        if game.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
            game = pyspiel.convert_to_turn_based(game)
        self.players = game.num_players()
        self.infosets = [{} for _ in range(self.players)]
        self.root = self._visit(game.new_initial_state())

    def _visit(self, state):
        if state.is_terminal():
            return SimpleNamespace(returns=state.returns())
        if state.is_chance_node():
            return SimpleNamespace(returns=None, outcomes=[(p, self._visit(state.child(a))) for a, p in state.chance_outcomes()])
        player, key = state.current_player(), state.information_state_string()
        table = self.infosets[player]
        if key not in table:
            table[key] = Infoset(player, key, state.legal_actions(), len(table))
        node = SimpleNamespace(returns=None, outcomes=None, infoset=table[key])
        node.children = {a: self._visit(state.child(a)) for a in state.legal_actions()}
        return node


class NaiveCFR:
    """CFR with a named variant; the attribute `tree` holds the infosets and their tables."""

    def __init__(self, game, variant, alternating=True, **params):
        self.tree, self.variant, self.alternating = Tree(game), variant, alternating
        self.p = SimpleNamespace(**{**DEFAULTS.get(variant, {}), **params})
        self.memory = {"regret": 0.0, "policy": 0.0}
        self.t = 0

    def run(self, iterations):
        players = range(self.tree.players)
        for _ in range(iterations):
            self.t += 1
            if not self.alternating:
                for player in players:
                    instantaneous_regrets(self.tree, player)
            for player in players:
                if self.alternating:
                    instantaneous_regrets(self.tree, player)
                for infoset in self.tree.infosets[player].values():
                    self.update(infoset)
        return self

    def update(self, infoset):
        """Average the policy that was played, add the regrets, derive the next policy."""
        keep, weight = average_weights(self.variant, infoset, self.t, self.p)
        for a in infoset.actions:
            infoset.S[a] = keep * infoset.S[a] + weight * infoset.reach * infoset.sigma[a]
        if self.variant == "vad-cfr":
            vad(infoset, self.t, self.p, self.memory if self.p.scope == "global" else infoset.memory)
        elif self.variant == "aod-cfr":
            aod(infoset, self.t, self.p)
        elif self.variant == "aod-distilled":
            aod_distilled(infoset, self.t, self.p)
        elif self.variant == "trend-dcfr":
            trend_dcfr(infoset, self.t, self.p)
        elif self.variant == "last-dcfr":
            last_dcfr(infoset, self.t, self.p)
        else:
            for a in infoset.actions:
                infoset.R[a] = regret(self.variant, infoset.R[a], infoset.r[a], self.t, self.p)
            infoset.sigma = normalised(
                {a: predicted(self.variant, infoset.R[a], infoset.r[a], self.t, self.p) for a in infoset.actions}
            )

    def average(self):
        return [{key: normalised(i.S) for key, i in table.items()} for table in self.tree.infosets]


def normalised(weights):
    positive = {a: max(w, 0.0) for a, w in weights.items()}
    total = sum(positive.values())
    return {a: w / total if total > 0 else 1.0 / len(weights) for a, w in positive.items()}


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


def faded(t, exponent):
    return t**exponent / (t**exponent + 1.0) if t else 0.0


def regret(variant, R, r, t, p):
    """Return the accumulated regret of one action."""
    if variant == "cfr":
        return R + r
    if variant in ("cfr+", "pcfr+", "hs-pcfr+"):
        return max(R + r, 0.0)
    if variant == "lcfr":
        return (R + r) * t / (t + 1)
    if variant in ("dcfr+", "dpcfr+"):
        return max(R * faded(t - 1, p.alpha) + r, 0.0)
    progress = (t - 1) / p.planned_iterations if variant == "hs-dcfr" else 0.0
    alpha, beta = (1 + 3 * progress, -1 - 2 * progress) if variant == "hs-dcfr" else (p.alpha, p.beta)
    return (R + r) * faded(t, alpha if R + r >= 0 else beta)


def predicted(variant, R, r, t, p):
    """Return what regret matching is applied to."""
    if variant in ("pcfr+", "hs-pcfr+"):
        return R + r
    if variant == "dpcfr+":
        return R * faded(t, p.alpha) + r
    return R


def average_weights(variant, infoset, t, p):
    """Return (keep, weight) of S = keep * S + weight * reach * sigma."""
    if variant == "cfr":
        return 1.0, 1.0
    if variant in ("cfr+", "lcfr"):
        return 1.0, t
    if variant in ("hs-pcfr+", "hs-dcfr"):
        return ((t - 1) / t) ** (p.g0 - p.slope * (t - 1) / p.planned_iterations), 1.0
    if variant == "aod-cfr":
        gamma = p.gamma + p.gamma_gain * min(1.0, (t - 1) / p.horizon)
        return faded(t, gamma), t**gamma
    if variant == "aod-distilled":
        return 1.0, t ** (p.gamma_gain * (t - 1) / p.horizon)
    if variant == "vad-cfr":
        if t - 1 < p.warmup_iterations:
            return 1.0, 0.0
        m = max(abs(x) for x in infoset.r.values())
        gamma = min(p.gamma_max, p.gamma + p.gamma_sensitivity * min(1.0, m / p.max_expected_regret))
        return 1.0, t**gamma / (1 + m**p.stability_exponent) * max(0.1, (1 + m / 2) ** p.magnitude_exponent)
    return 1.0, t ** getattr(p, "gamma", 0.0)


def vad(infoset, t, p, memory):
    """VAD-CFR's regret and policy steps, each with its own running average."""

    def adaptive(step):
        m = max(abs(x) for x in infoset.r.values())
        memory[step] = m if t == 1 else p.ewma_decay * m + (1 - p.ewma_decay) * memory[step]
        v = min(1.0, memory[step] / p.max_expected_regret)
        alpha = max(0.1, p.base_alpha - p.volatility_sensitivity * v)
        beta = min(alpha, p.base_beta - p.volatility_sensitivity * v)
        return v, faded(t, alpha), faded(t, beta)

    boosted = {a: p.boost * x if x > 0 else x for a, x in infoset.r.items()}
    R = infoset.R
    _, high, low = adaptive("regret")
    for a in infoset.actions:
        R[a] = max(p.regret_floor, (high if R[a] >= 0 else low) * R[a] + boosted[a])
    v, high, low = adaptive("policy")
    hope = p.optimism / (1 + (t - 1) / p.optimism_horizon) * max(0.0, 1 - 0.5 * v)
    projected = {a: (high if R[a] >= 0 else low) * R[a] + hope * boosted[a] for a in infoset.actions}
    infoset.sigma = normalised({a: max(x, 0.0) ** p.policy_exponent for a, x in projected.items()})


def aod(infoset, t, p):
    """AOD-CFR's regret and policy steps."""

    def sign(x):
        return (x > p.sign_threshold) - (x < -p.sign_threshold)

    scales = {
        (1, 1): p.agree_positive, (1, -1): p.oppose_positive, (-1, 1): p.oppose_negative, (-1, -1): p.agree_negative,
    }  # fmt: skip
    progress = min(1.0, (t - 1) / p.horizon)
    for a in infoset.actions:
        R, r = infoset.R[a], infoset.r[a]
        exponent = p.alpha + p.alpha_gain * progress if R > 0 else p.beta + p.beta_gain * progress
        infoset.R[a] = R * faded(t, exponent) + scales.get((sign(R), sign(r)), 1.0) * r
    R, E = infoset.R, infoset.trend
    squares = {a: max(0.0, R[a] + p.trend_weight * (R[a] - E[a])) ** 2 for a in infoset.actions}
    infoset.trend = {a: p.trend_decay * R[a] + (1 - p.trend_decay) * E[a] for a in infoset.actions}
    infoset.sigma = normalised(squares if sum(squares.values()) > p.sum_threshold else dict.fromkeys(squares, 0.0))


def aod_distilled(infoset, t, p):
    """What is left of AOD-CFR: growing discounts, optimism by the trend, squares."""
    for a in infoset.actions:
        R = infoset.R[a]
        exponent = p.alpha + (t - 1) / p.horizon if R > 0 else p.beta
        infoset.R[a] = R * faded(t, exponent) + infoset.r[a]
    R, E = infoset.R, infoset.trend
    infoset.sigma = normalised({a: max(0.0, R[a] + p.trend_weight * (R[a] - E[a])) ** 2 for a in infoset.actions})
    infoset.trend = {a: p.trend_decay * R[a] + (1 - p.trend_decay) * E[a] for a in infoset.actions}


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


def trend_dcfr(infoset, t, p):
    played = {}
    for a in infoset.actions:
        R = infoset.R[a] + infoset.r[a]
        R *= faded(t, p.alpha if R > 0 else p.beta)
        infoset.R[a] = R
        infoset.trend[a] = (1 - p.trend_rate) * infoset.trend[a] + p.trend_rate * R
        played[a] = max(R + p.trend_weight * (R - infoset.trend[a]), infoset.r[a], 0.0)
    infoset.sigma = normalised(played)


def last_dcfr(infoset, t, p):
    infoset.S = dict(infoset.sigma)
    progress = (t - 1) / p.horizon
    for a in infoset.actions:
        R = infoset.R[a] + infoset.r[a]
        infoset.R[a] = R * faded(t, p.alpha + p.alpha_gain * progress if R >= 0 else p.beta + p.beta_gain * progress)
    R, E = infoset.R, infoset.trend
    infoset.sigma = normalised({a: max(0.0, R[a] + p.trend_weight * (R[a] - E[a])) ** 2 for a in infoset.actions})
    infoset.trend = {a: p.trend_rate * R[a] + (1 - p.trend_rate) * E[a] for a in infoset.actions}
