"""Small random extensive-form games with perfect recall, as Gambit .efg text.

OpenSpiel names an infoset by player, number and name and numbers actions by label. Payoffs are multiples of 1/16, so that the
sums over players are exact.
"""

import random


class _Writer:
    """The lines of an .efg file, in depth-first order."""

    def __init__(self, title, players, zero_sum, rng):
        self.players, self.zero_sum, self.rng = players, zero_sum, rng
        names = " ".join(f'"P{p}"' for p in range(players))
        self.lines = [f'EFG 2 R "{title}" {{ {names} }}', '""']
        self.count = 0

    def end(self):
        payoffs = [self.rng.randint(-32, 32) for _ in range(self.players)]
        if self.zero_sum:
            payoffs[-1] = -sum(payoffs[:-1])
        self.count += 1
        self.lines.append(f't "" {self.count} "" {{ {" ".join(f"{u}/16" for u in payoffs)} }}')

    def chance(self, weights):
        self.count += 1
        outcomes = " ".join(f'"c{k}" {w}/{sum(weights)}' for k, w in enumerate(weights))
        self.lines.append(f'c "" {self.count} "" {{ {outcomes} }} 0')

    def move(self, player, infoset, actions):
        labels = " ".join(f'"a{k}"' for k in range(actions))
        self.lines.append(f'p "" {player + 1} {infoset} "" {{ {labels} }} 0')

    def text(self):
        return "\n".join(self.lines) + "\n"


def random_game(seed, players=2, zero_sum=True, depth=6):
    """Return a game of random shape: every move and chance outcome is shown to a random half of the players.

    An infoset is all that its player has seen, its own moves included, so its nodes may lie at different depths.
    """
    rng = random.Random(f"shape {seed} {players} {zero_sum} {depth}")
    out = _Writer(f"shape {seed}", players, zero_sum, rng)
    infosets = [{} for _ in range(players)]

    def show(seen, event):
        return [(*s, event) if rng.random() < 0.5 else s for s in seen]

    def grow(level, seen):
        if level > 1 and (level >= depth or rng.random() < 0.15):
            out.end()
        elif level == 0 or (level > 1 and rng.random() < 0.2):
            weights = [rng.randint(1, 4) for _ in range(rng.randint(2, 3))]
            out.chance(weights)
            for k in range(len(weights)):
                grow(level + 1, show(seen, f"c{k}"))
        else:
            player = rng.randrange(players)
            number, actions = infosets[player].setdefault(seen[player], (len(infosets[player]) + 1, rng.choice((1, 2, 2, 3))))
            out.move(player, number, actions)
            for k in range(actions):
                after = show(seen, f"a{k} of {player}")
                after[player] = (*seen[player], number, k)
                grow(level + 1, after)

    grow(0, [()] * players)
    return out.text()


def random_card_game(seed, players=2, zero_sum=True, depth=5, cards=3):
    """Return a game of private cards, dealt unevenly, and public moves: its rows fall into dense blocks."""
    rng = random.Random(f"cards {seed} {players} {zero_sum} {depth} {cards}")
    out = _Writer(f"cards {seed}", players, zero_sum, rng)
    deals = [()]
    for _ in range(players):
        deals = [(*d, card) for d in deals for card in range(cards)]
    shapes, infosets = {(): (0, 2)}, [{} for _ in range(players)]

    def grow(deal, public):
        if public not in shapes:
            over = len(public) >= depth or (len(public) > 2 and rng.random() < 0.1)
            shapes[public] = None if over else (rng.randrange(players), 2)
        if shapes[public] is None:
            out.end()
            return
        player, actions = shapes[public]
        out.move(player, infosets[player].setdefault((deal[player], public), len(infosets[player]) + 1), actions)
        for k in range(actions):
            grow(deal, (*public, k))

    out.chance([rng.randint(1, 4) for _ in deals])
    for deal in deals:
        grow(deal, ())
    return out.text()


def samples(count, **options):
    """Return pytest parameters for `count` seeds of both kinds, two and three players, zero-sum and general-sum in turn."""
    return [
        (make, dict(seed=seed, players=2 + seed % 2, zero_sum=seed // 2 % 2 == 0, **options))
        for make in (random_game, random_card_game)
        for seed in range(count)
    ]
