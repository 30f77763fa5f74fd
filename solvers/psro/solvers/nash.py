"""Nash: an equilibrium of the meta-game by linear programming; with it PSRO is double oracle (McMahan, Gordon, Blum 2003)."""

from solvers.rule import GameplanError, maximin

STATE: dict = {}


def train(payoffs, iteration):
    """Return equilibrium strategies of a two-player constant-sum game."""
    game = payoffs.game
    if game.players != 2 or game.constant_sum is None:
        kind = f"has {game.players} players" if game.players != 2 else "is general-sum"
        raise GameplanError(
            f"nash solves two-player zero-sum and constant-sum meta-games; {game.name} {kind}: use shor, rm, prd, fp, hedge, "
            "alpharank or uniform"
        )
    payoff = payoffs.tensor(0)
    return [maximin(payoff), maximin(-payoff.T)]


evaluate = train
