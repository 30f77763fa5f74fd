"""Random game trees, a naive evaluation of policies on them, and a writer that spells them in every way that .efg allows."""

import random
from fractions import Fraction
from itertools import count
from typing import NamedTuple


class Twin(NamedTuple):
    """A node: the player to move (-1 at the end, 0 for chance), the infoset's number, what is paid here, the children.

    `weights` are the probabilities of chance.
    """

    player: int
    infoset: int
    paid: tuple | None
    children: list
    weights: tuple = ()


def random_tree(seed, players, depth=5):
    """Return a random tree with perfect recall, payoffs on the way and chance branches of probability 0."""
    rng = random.Random(f"gambit {seed} {players} {depth}")
    infosets, events = {}, count()

    def pay(often):
        return (
            tuple(Fraction(rng.randint(-60, 60), rng.choice((1, 4, 5, 7))) for _ in range(players))
            if rng.random() < often
            else None
        )

    def show(seen, event):
        return [(*s, event) if rng.random() < 0.5 else s for s in seen]

    def grow(level, seen):
        if level > 1 and (level >= depth or rng.random() < 0.15):
            return Twin(-1, 0, pay(0.9), [])
        if rng.random() < 0.3:
            parts = [rng.randint(0, 3) for _ in range(rng.randint(1, 3))] + [1]
            children = [grow(level + 1, show(seen, f"c{k}")) for k in range(len(parts))]
            return Twin(0, next(events), pay(0.2), children, tuple(Fraction(n, sum(parts)) for n in parts))
        player = rng.randrange(players)
        number, actions = infosets.setdefault((player, seen[player]), (len(infosets), rng.choice((1, 2, 2, 3))))
        children = []
        for k in range(actions):
            after = show(seen, f"a{k} of {player}")
            after[player] = (*seen[player], number, k)
            children.append(grow(level + 1, after))
        return Twin(player + 1, number, pay(0.2), children)

    return grow(0, [()] * players)


def value(tree, policy, players):
    """Return the players' expected payoffs; `policy` maps (player, infoset) to probabilities."""
    total = [float(x) for x in tree.paid or (0,) * players]
    weights = tree.weights or policy.get((tree.player, tree.infoset), ())
    for weight, child in zip(weights, tree.children, strict=True):
        for player, x in enumerate(value(child, policy, players)):
            total[player] += float(weight) * x
    return total


def infosets(tree, players):
    """Return each player's (infoset, number of actions), in order of first visit."""
    found = [{} for _ in range(players)]

    def visit(node):
        if node.player > 0:
            found[node.player - 1].setdefault(node.infoset, len(node.children))
        for child in node.children:
            visit(child)

    visit(tree)
    return [list(of_player.items()) for of_player in found]


def spell(tree, players, seed):
    """Return the tree as .efg text: labels, lists and payoffs repeated or not, numbers in every form, any white space."""
    rng = random.Random(f"spell {seed}")
    known, outcomes = set(), {}
    newline = rng.choice(("\n", "\r\n", "\n\n", " \t\n"))

    def gap():
        return rng.choice((" ", "  ", "\t", " \r\n "))

    def label():
        return rng.choice(('""', '"x"', '"say \\"hi\\""', '"Ä ☃"', '"{ 1 2 }"', '"two\nlines"'))

    def number(x):
        forms = [f"{x.numerator}/{x.denominator}"] + [str(x.numerator)] * (x.denominator == 1)
        if 1000 % x.denominator == 0:
            thousands = x.numerator * 1000 // x.denominator
            sign, digits = "-" * (thousands < 0), f"{abs(thousands):04d}"
            forms += [f"{sign}{digits[:-3]}.{digits[-3:]}", f"{thousands}e-3", f"{thousands}00E-05"]
        return rng.choice(forms)

    def outcome(paid):
        if paid is None:
            return f"0{gap()}{label()}" if rng.random() < 0.2 else "0"
        first = paid not in outcomes
        at = outcomes.setdefault(paid, 3 * len(outcomes) + 5)
        if not first and rng.random() < 0.5:
            return str(at)
        comma = rng.choice((" ", ", ", ","))
        return f"{at}{gap()}{label()}{gap()}{{ {comma.join(map(number, paid))} }}"

    def actions(node):
        first = (node.player, node.infoset) not in known
        known.add((node.player, node.infoset))
        if not first and rng.random() < 0.5:
            return rng.choice(("", label()))
        parts = []
        for k in range(len(node.children)):
            parts.append(f"{label()} {number(node.weights[k])}" if node.weights else label())
        return f"{rng.choice(('', label()))} {{ {gap().join(parts)} }}"

    def write(node):
        who = {-1: "t", 0: "c"}.get(node.player, "p")
        place = "" if who == "t" else f"{node.player if who == 'p' else ''} {7 * node.infoset - 9} {actions(node)}"
        lines.append(f"{who}{gap()}{label()} {place} {outcome(node.paid)}")
        for child in node.children:
            write(child)

    names = gap().join(label() for _ in range(players))
    lines = [f"EFG 2 R {label()} {{ {names} }}", rng.choice(("", '"a comment, \\"quoted\\", { with } braces\nand lines"'))]
    write(tree)
    return newline.join(lines) + rng.choice(("", "\n", "\r\n\t "))
