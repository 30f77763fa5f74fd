"""From the nodes of a tree to a compiled game: one pass with an explicit stack, payoffs and probabilities exact on the way."""

from array import array
from collections.abc import Callable
from fractions import Fraction
from itertools import repeat

import numpy as np

from games.assembly import Infosets, assemble
from games.errors import GameplanError
from games.gambit.labels import distinct, infoset_names
from games.gambit.nodes import Infoset, Node, Source
from games.gambit.numbers import plus, times
from games.gambit.tokens import shortened
from games.memory import default_budget, resident, shown
from games.names import Names
from games.sequence_form import Rows, SequenceGame

_REPORT_EVERY = 1 << 11
_Here = tuple[tuple[int, ...], Fraction, tuple[Fraction, ...] | None]  # players' sequences, chance, payoffs so far


def compile_source(
    source: Source,
    name: str,
    key: str,
    max_histories: int,
    progress: Callable[[int], None] | None = None,
    max_memory: int | None = None,
) -> SequenceGame:
    """Return the sequence form of the game whose nodes `source` tells.

    Parameters
    ----------
    name, key
        Stored in the result, see `SequenceGame`.
    max_histories : int
        Refuse larger trees. Checked while walking.
    progress : callable, optional
        Called with the number of nodes seen so far, now and then.
    max_memory : int, optional
        Refuse games that need more bytes on top of what is in use; half of what is free unless given.

    Raises
    ------
    GameplanError
        If the tree is too large, a player forgets what it knew or did, or payoffs add up to what float64 cannot hold.
    """
    walk = _Walk(source)
    stack: list[_Here] = [((0,) * len(source.players), Fraction(1), None)]
    histories, report = 0, _REPORT_EVERY
    budget = default_budget() if max_memory is None else max_memory
    most = resident() + budget
    if source.least_memory > budget:
        raise GameplanError(
            f"{name} needs more memory than {shown(budget)}, {shown(source.least_memory)} at least; choose a smaller game or raise "
            "--max-memory"
        )
    try:
        for node in source.nodes():
            here = stack.pop()
            histories += 1
            if histories >= report:
                report += _REPORT_EVERY
                if progress:
                    progress(histories)
                if resident() > most:
                    raise GameplanError(
                        f"{name} needs more memory than {shown(budget)} by {histories:,} histories; choose a smaller game or raise "
                        "--max-memory"
                    )
            walk.visit(node, here, stack)
            if histories + len(stack) > max_histories:  # what is on the stack will be visited too
                raise GameplanError(
                    f"{name} has more than {max_histories:,} histories; choose a smaller game or raise --max-histories"
                )
        names = Names.of(infoset_names(walk.met))
        return assemble(walk.infosets, walk.terminals(), names, name=name, key=key, histories=histories)
    except MemoryError as error:
        raise GameplanError(f"{name} needs more memory than there is; choose a smaller game") from error


class _Walk:
    """What has been met on the way through the tree: infosets and terminal rows."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.players = len(source.players)
        self.infosets = Infosets(self.players)
        self.met: list[list[Infoset]] = [[] for _ in range(self.players)]
        self._local: dict[Infoset, int] = {}
        self._sequences, self._chance, self._utility = array("i"), array("d"), array("d")

    def visit(self, node: Node, here: _Here, stack: list[_Here]) -> None:
        """Take in a node that was reached as `here` says; push what says so of its children, the last one first."""
        reached, chance, total = here
        if node.payoffs is not None:
            total = node.payoffs if total is None else tuple(map(plus, total, node.payoffs))
        infoset = node.infoset
        if infoset is None:
            self._end(node, reached, chance, total)
        elif infoset.probabilities is not None:
            stack.extend((reached, times(chance, p), total) for p in reversed(infoset.probabilities))
        else:
            player = infoset.player - 1
            local = self._local.get(infoset)
            if local is None:
                local = self.infosets.add(player, reached[player], range(len(infoset.actions)), distinct(infoset.actions))
                self._local[infoset] = local
                self.met[player].append(infoset)
            elif self.infosets.parent[player][local] != reached[player]:
                raise self._recall_error(node, infoset)
            first = self.infosets.first[player][local]
            before, after = reached[:player], reached[player + 1 :]
            stack.extend(((*before, k, *after), chance, total) for k in range(first + len(infoset.actions), first, -1))

    def terminals(self) -> Rows:
        """Return the terminal nodes, one row each."""
        return Rows(
            np.array(self._sequences, np.int32).reshape(-1, self.players),
            np.array(self._chance),
            np.ascontiguousarray(np.array(self._utility).reshape(-1, self.players).T),
        )

    def _end(self, node: Node, reached: tuple[int, ...], chance: Fraction, total: tuple[Fraction, ...] | None) -> None:
        self._sequences.extend(reached)
        self._chance.append(float(chance))
        if total is None:
            self._utility.extend(repeat(0.0, self.players))
            return
        try:
            if chance == 1:
                self._utility.extend(map(float, total))
            else:
                for payoff in total:
                    float(payoff)
                    self._utility.append(float(chance * payoff))
        except OverflowError as error:
            raise GameplanError(
                f"{self.source.where(node.at)}: the payoffs on the way here add up to more than float64 can hold (1.79e308)"
            ) from error

    def _recall_error(self, node: Node, infoset: Infoset) -> GameplanError:
        label = f" {shortened(infoset.label)}" if infoset.label else ""
        player = f"player {infoset.player} ({shortened(self.source.players[infoset.player - 1])})"
        return GameplanError(
            f"{self.source.where(node.at)}: imperfect recall: {player} reaches infoset {infoset.number}{label} with different own "
            f"histories than on {self.source.line(infoset.at)}; only perfect-recall games can be solved here"
        )
