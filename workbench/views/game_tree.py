"""A small game's tree with what a policy does in it: every history, how often it comes, and who decides there."""

from dataclasses import dataclass, field

import numpy as np

from games.errors import UsageError
from games.loader import open_source
from workbench.views.policy import PolicyView

MOST_NODES = 400
CHANCE = -1


@dataclass
class Node:
    """A history of a game.

    Attributes
    ----------
    player : int or None
        Who moves: `CHANCE`, a player from 0, None where the game has ended.
    infoset : int
        The number of the infoset among the player's own; -1 for chance and ends.
    reach : float
        The probability of coming here.
    by, probability : str, float
        The action that led here, and how likely it was there.
    payoffs : tuple of float
        What every player gets, where the game has ended.
    children : list of Node
    """

    player: int | None
    infoset: int = -1
    reach: float = 1.0
    by: str = ""
    probability: float = 1.0
    payoffs: tuple[float, ...] = ()
    children: list["Node"] = field(default_factory=list)


def game_tree(view: PolicyView) -> Node:
    """Return the root of the tree of a view's game, played by its policy.

    Raises
    ------
    UsageError
        If the tree is too large to be looked at.
    """
    game = view.game
    if game.histories > MOST_NODES:
        raise UsageError(
            f"{game.name} has {game.histories:,} histories; trees of up to {MOST_NODES} can be drawn: without --tree the policy is "
            "drawn as a map"
        )
    numbers: list[dict[int, int]] = [{} for _ in range(game.players)]  # infosets by first visit, as in compiled games
    root: Node | None = None
    waiting: list[tuple[Node, str, float]] = []  # (parent, action, its probability) of children to come, the next one last
    for node in open_source(game.name).nodes():
        parent, by, p = waiting.pop() if waiting else (None, "", 1.0)
        made = Node(None, reach=p * (1.0 if parent is None else parent.reach), by=by, probability=p)
        if parent is None:
            root = made
        else:
            parent.children.append(made)
        found = node.infoset
        if found is None:
            made.payoffs = tuple(float(x) for x in node.payoffs or (0,) * game.players)
            continue
        if found.player == 0:
            made.player, shares = CHANCE, [float(q) for q in found.probabilities or ()]
            labels = list(found.actions)
        else:
            made.player = found.player - 1
            seen = numbers[made.player]
            made.infoset = seen.setdefault(found.number, len(seen))
            row = view.row(made.player, made.infoset)
            shares, labels = list(row.probabilities), list(row.names)
            if len(labels) != len(found.actions):
                raise UsageError(f"the tree of {game.name} is not that of the compiled game; it cannot be drawn")
        waiting += [(made, label, share) for label, share in zip(reversed(labels), reversed(shares), strict=True)]
    assert root is not None
    return root


def leaves(node: Node) -> list[Node]:
    """Return the ends of the game below `node`, in order."""
    return [node] if not node.children else [end for child in node.children for end in leaves(child)]


def expected(node: Node) -> np.ndarray:
    """Return the players' expected payoffs at the root: over the ends, weighted by their reach."""
    value: np.ndarray = np.sum([end.reach * np.array(end.payoffs) for end in leaves(node)], axis=0)
    return value
