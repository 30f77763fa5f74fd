"""Games in which one player's play is given at some infosets: node locking, and the restricted Nash response.

What a player does at a locked infoset is for solvers a matter of chance: every terminal history's probability is multiplied by what
the given policy plays on the way to it, and the infoset is none any more. With a probability p below 1 chance decides at the root,
seen by the locked player alone, whether he is bound to the given policy or as free as ever; the others' equilibrium play in that
game is the restricted Nash response, a compromise between winning much from the given policy and losing little to any other.

What comes of it is a `SequenceGame` like any other, which every solver takes; `LockedGame.unlock` turns its policies into policies
of the game itself.

Source: Johanson, Zinkevich, Bowling, "Computing robust counter-strategies" (2007).
"""

import hashlib
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from games.assembly import blocks_of, merged
from games.names import Names
from games.sequence_form import Rows, SequenceGame, Tree
from solvers.plans import plan_of, policy_of

BOUND = " (bound to the lock)"  # ends the names of infosets that a player has a second time, for when he knows to be locked


class Lock(NamedTuple):
    """What is given of a player's play.

    Attributes
    ----------
    player : int
    infosets : (the player's infosets,) bool array
        Where it is given.
    sigma : (the player's pairs,) float64 array
        The given probabilities; only those at locked infosets are looked at.
    probability : float
        How likely the player is bound to them, above 0 and up to 1.
    """

    player: int
    infosets: np.ndarray
    sigma: np.ndarray
    probability: float = 1.0


@dataclass(frozen=True, eq=False)
class LockedGame:
    """A game with a lock.

    Attributes
    ----------
    itself : SequenceGame
        The game without it.
    lock : Lock
    game : SequenceGame
        What is left to be decided. With a probability of 1 the locked player has the infosets that are not locked; below 1 he has
        all, for when he is free, and after them once more those that are not locked, for when he is bound elsewhere.
    """

    itself: SequenceGame
    lock: Lock
    game: SequenceGame

    def unlock(self, policy: np.ndarray) -> np.ndarray:
        """Return the policy of the game itself (pairs of all players) that is `policy` in the locked one.

        With a probability below 1 the player mixes both of his plans in that proportion, which to the others is the same; where
        neither of them leads, he plays as when he is free.
        """
        player, p = self.lock.player, self.lock.probability
        if p == 1.0:
            return self.bound(policy)
        game, bound = self.itself, self.bound(policy)[self.itself.player_actions(player)]
        free = policy[self.game.player_actions(player)][: game.actions[player]]
        plan = (1.0 - p) * plan_of(game, player, free) + p * plan_of(game, player, bound)
        infosets = game.player_infosets(player)
        reached = plan[game.tree.parent[infosets].astype(np.int64)] > 0.0
        own = np.where(np.repeat(reached, game.tree.count[infosets]), policy_of(game, player, plan), free)
        return self._with_own(policy, own)

    def bound(self, policy: np.ndarray) -> np.ndarray:
        """Return `policy`, of the locked game, as a policy of the game itself in which the player is bound to what is given."""
        player, own = self.lock.player, self.lock.sigma.copy()
        free = np.repeat(~self.lock.infosets, self.itself.tree.count[self.itself.player_infosets(player)])
        mine = policy[self.game.player_actions(player)]
        own[free] = mine[len(mine) - int(free.sum()) :]
        return self._with_own(policy, own)

    def _with_own(self, policy: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Return the locked game's `policy` with the locked player's part replaced by `own`."""
        place = self.game.player_actions(self.lock.player)
        return np.concatenate([policy[: place.start], own, policy[place.stop :]])


def lock_game(game: SequenceGame, lock: Lock) -> LockedGame:
    """Return `game` with `lock`: compiled anew from its rows, nothing of it is walked."""
    player, p = lock.player, lock.probability
    infosets = game.player_infosets(player)
    parent, count = game.tree.parent[infosets].astype(np.int64), game.tree.count[infosets].astype(np.int64)
    weight, into = _folded(game, lock)
    free = ~lock.infosets
    pairs = np.repeat(free, count)
    if p == 1.0:
        rows, own, kept = _bound_rows(game.rows, player, weight, into), into[parent[free]], np.flatnonzero(free)
        kept_pairs = np.flatnonzero(pairs)
    else:
        into = np.where(into > 0, into + game.actions[player], 0)  # after those of when he is free
        bound = _bound_rows(game.rows, player, p * weight, into)
        rows = Rows(
            np.concatenate([game.rows.sequences, bound.sequences]),
            np.concatenate([(1.0 - p) * game.rows.chance, bound.chance]),
            np.concatenate([(1.0 - p) * game.rows.utility, bound.utility], axis=1),
        )
        own = np.concatenate([parent, into[parent[free]]])
        kept = np.concatenate([np.arange(len(parent)), np.flatnonzero(free)])
        kept_pairs = np.concatenate([np.arange(game.actions[player]), np.flatnonzero(pairs)])
    tree = _tree(game, player, own, count[kept])
    plan_sizes = [int(n) + 1 for n in np.diff(tree.action_start)]
    rows = merged(rows, plan_sizes)
    names = [list(own_names) for own_names in game.infoset_names]
    copies = [names[player][k] + BOUND for k in np.flatnonzero(free)]
    names[player] = [names[player][k] for k in np.flatnonzero(free)] if p == 1.0 else names[player] + copies
    name_bytes, name_start = Names.of(names).pack()
    digest = hashlib.sha256(repr((player, p)).encode() + lock.infosets.tobytes() + lock.sigma.tobytes()).hexdigest()[:16]

    def with_own(table: np.ndarray) -> np.ndarray:
        place = game.player_actions(player)
        return np.concatenate([table[: place.start], table[place][kept_pairs], table[place.stop :]])

    made = replace(
        game,
        key=f"{game.key} locked {digest}",
        histories=game.histories if p == 1.0 else 2 * game.histories + 1,
        terminals=game.terminals if p == 1.0 else 2 * game.terminals,
        tree=tree,
        rows=rows,
        blocks=blocks_of(rows, plan_sizes),
        action_ids=with_own(game.action_ids),
        label=with_own(game.label),
        name_bytes=name_bytes,
        name_start=name_start,
    )
    return LockedGame(game, lock, made)


def _folded(game: SequenceGame, lock: Lock) -> tuple[np.ndarray, np.ndarray]:
    """Return of each of the player's sequences how likely the given play on it is, and the last free sequence on it, renumbered."""
    infosets = game.player_infosets(lock.player)
    tree = game.tree
    count = tree.count[infosets]
    number = np.cumsum(np.repeat(~lock.infosets, count))
    weight, into = np.ones(game.actions[lock.player] + 1), np.zeros(game.actions[lock.player] + 1, np.int64)
    walk = zip(lock.infosets.tolist(), tree.parent[infosets].tolist(), tree.first[infosets].tolist(), count.tolist(), strict=True)
    for locked, parent, first, size in walk:  # parents precede children
        own = slice(first + 1, first + size + 1)
        weight[own] = weight[parent] * (lock.sigma[first : first + size] if locked else 1.0)
        into[own] = into[parent] if locked else number[first : first + size]
    return weight, into


def _bound_rows(rows: Rows, player: int, weight: np.ndarray, into: np.ndarray) -> Rows:
    """Return the rows with the player's sequences taken `into` others, by their `weight`; without those that never come about."""
    factor = weight[rows.sequences[:, player]]
    seen = factor > 0.0
    sequences = rows.sequences[seen]
    sequences[:, player] = into[sequences[:, player]]
    return Rows(sequences, rows.chance[seen] * factor[seen], rows.utility[:, seen] * factor[seen])


def _tree(game: SequenceGame, player: int, parent: np.ndarray, count: np.ndarray) -> Tree:
    """Return the decision trees with that of the player replaced by infosets with these parents and numbers of actions."""
    old, place = game.tree, game.player_infosets(player)
    first = np.cumsum(count) - count

    def with_own(table: np.ndarray, own: np.ndarray) -> np.ndarray:
        return np.concatenate([table[: place.start], own, table[place.stop :]]).astype(table.dtype)

    infosets, actions = game.infosets, game.actions
    infosets[player], actions[player] = len(count), int(count.sum())
    return Tree(
        with_own(old.parent, parent),
        with_own(old.first, first),
        with_own(old.count, count),
        np.cumsum([0, *infosets], dtype=np.int64),
        np.cumsum([0, *actions], dtype=np.int64),
    )
