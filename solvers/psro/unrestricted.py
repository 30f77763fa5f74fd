"""Mixtures of a population judged against an opponent who is not restricted to one: the least exploitable of them.

What an unrestricted opponent can hold such a mixture to is the best that the population can do, so the exploitability of the
profile of both players' is that of the *populations*: no pair of mixtures of them has less, and it never rises as they grow
(McAleer et al. 2022, arXiv 2201.07700).
"""

from typing import NamedTuple

import numpy as np

from games.errors import GameplanError, NotForGame
from games.sequence_form import SequenceGame
from solvers.kernels import best_response_value
from solvers.plans import plan_of, policy_of

TOLERANCE = 1e-9  # what a mixture may fall short of the program's optimum, next to half the range of the payoffs
DUST = 1e-12  # masses below this in the dual solution are rounding


class LeastExploitable(NamedTuple):
    """A mixture, `weights` (policies), and the opponent's `answer` to it (sequences), a realisation plan.

    The answer is a best response, and among those one against which no other policy of the population is better than the mixture:
    what is missing in the opponent's population if that does not hold the mixture to what it is worth.
    """

    weights: np.ndarray
    answer: np.ndarray


def check_constant_sum(game: SequenceGame, name: str) -> None:
    """Refuse a game for which the meta-strategy solver `name` has no linear program.

    Raises
    ------
    NotForGame
        If it is not two-player zero-sum or constant-sum; alternatives are named.
    """
    if game.players != 2 or game.constant_sum is None:
        kind = f"has {game.players} player{'s' * (game.players > 1)}" if game.players != 2 else "is general-sum"
        raise NotForGame(
            f"{name} solves two-player zero-sum and constant-sum meta-games; {game.name} {kind}: use shor, rm, prd, fp, hedge, "
            "alpharank or uniform"
        )


def least_exploitable(game: SequenceGame, player: int, plans: np.ndarray) -> LeastExploitable:
    """Return the mixture of the `player`'s policies `plans` (policies, sequences) that guarantees the player most.

    The game is two-player constant-sum. Equal policies share their weight equally; where several mixtures guarantee the same, it is
    one of them, always the same one.

    Raises
    ------
    GameplanError
        If HiGHS finds none.
    """
    # a third of a second, which rules that need no program shall not wait for
    from scipy.sparse import csc_array

    from solvers.sequence_program import WAYS, centred_payoff, constraints, solve_side

    known: dict[bytes, int] = {}
    kind = np.array([known.setdefault(plan.tobytes(), len(known)) for plan in plans])
    distinct = plans[np.unique(kind, return_index=True)[1]]
    payoff, opponent = centred_payoff(game), 1 - player
    utility = payoff.matrix if player == 0 else -payoff.matrix.T
    table = csc_array(csc_array(distinct) @ utility)  # of every policy, by the opponent's sequences
    own, other = csc_array(np.ones((1, len(distinct)))), constraints(game, opponent)
    infosets, tree = game.player_infosets(opponent), game.tree
    best, most, answer = None, -np.inf, np.zeros(0)
    for way in WAYS:
        side = solve_side(table, own, other, *way)
        if side is None:
            continue
        mixture = np.maximum(side.x, 0.0)
        mixture /= mixture.sum()
        gains = np.asarray(-(mixture @ table))
        held = -best_response_value(gains, tree.parent[infosets], tree.first[infosets], tree.count[infosets])
        if held > most:
            best, most, answer = mixture, held, side.y
        if (side.v[0] - held) * payoff.unit <= TOLERANCE * payoff.half:
            break
    if best is None:
        raise GameplanError(f"HiGHS found no least exploitable mixture in {game.name}; use nash, rm, prd or shor")
    policy = policy_of(game, opponent, np.where(answer > DUST, answer, 0.0))
    return LeastExploitable((best / np.bincount(kind))[kind], plan_of(game, opponent, policy))
