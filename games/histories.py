"""The tree of a game's histories, for algorithms that sample play: a compiled game keeps terminal rows, in which no order of moves,
chance's least of all, is left.

The tree is made when it is first asked for, by one more walk over what the game was compiled from, in the same order, so that
infosets have the same numbers; it is kept beside the compiled game in the cache.
"""

import json
from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from games.cache import checksum, game_path
from games.compiler import openspiel_reason
from games.errors import GameplanError, UsageError
from games.files import remove_stale, write_atomically
from games.gambit.files import is_game_file, open_file
from games.gambit.nodes import Source
from games.gambit.numbers import plus
from games.jitter import MARK
from games.loader import resolve
from games.openspiel import game_key, turn_based
from games.sequence_form import SequenceGame

FORMAT = 1  # raise whenever the arrays change
CHANCE, TERMINAL = -1, -2  # who moves where no player does
_REPORT_EVERY = 1 << 11

# A node: who moves there; the infoset's identity, the distribution of chance, or the payoffs; the number of actions.
Move = tuple[int, Any, int]


class Histories(NamedTuple):
    """A game tree; the root is node 0, and the children of a node lie side by side in the order of its actions.

    `node` (histories, 4) int32: who moves (a player, `CHANCE`, `TERMINAL`); where what belongs to it begins (the first of its pairs
    in the table of all players' pairs, of its rows in `chance`, or its row in `payoff`); its first child; its number of children.
    `chance` (outcomes of different distributions, 2): the probability of an outcome, and the sum of those up to it, 1 from the last
    possible one on. `payoff` (terminals, players). `limits` (2,): moves on the longest way down, and the most children of a node.
    """

    node: np.ndarray
    chance: np.ndarray
    payoff: np.ndarray
    limits: np.ndarray


def load_histories(game: SequenceGame, progress: Callable[[int], None] | None = None) -> Histories:
    """Return the tree of histories of a compiled game, from the cache if it is there.

    Parameters
    ----------
    progress : callable, optional
        Called with the number of histories walked so far.

    Raises
    ------
    UsageError
        For a game whose payoffs have been changed after it was compiled.
    GameplanError
        If what the game was compiled from is not there any more, or is another game now.
    """
    if MARK in game.key:
        raise UsageError(f"{game.name} has payoffs with a jitter, and its tree of histories has none: leave out --jitter")
    path = game_path(game.key).with_suffix(".histories.safetensors")
    found = _read(path, game)
    if found is None:
        found = walk_histories(_moves(game), game, progress)
        with suppress(OSError):  # then it is made anew next time
            remove_stale(path.parent)
            write_atomically(path, _encode(found, game))
    return found


def walk_histories(moves: Iterable[Move], game: SequenceGame, progress: Callable[[int], None] | None = None) -> Histories:
    """Return the tree whose nodes are `moves`, depth first, numbered like `game`, which was compiled from the same.

    Raises
    ------
    GameplanError
        If it is another game.
    """
    start, pairs = game.tree.action_start.tolist(), [0] * game.players
    known: list[dict[Hashable, int]] = [{} for _ in range(game.players)]
    tables = _Tables()
    place, columns, payoffs = array("i"), array("i"), array("d")
    stack, free, deepest, widest, report = [(0, 0)], 1, 0, 1, _REPORT_EVERY  # of (node, moves until it)
    pop, place_at, add = stack.pop, place.append, columns.extend
    for who, what, count in moves:
        at, depth = pop()
        place_at(at)
        if who == TERMINAL:
            add((TERMINAL, len(payoffs) // game.players, 0, 0))
            payoffs.extend(what)
        else:
            if who == CHANCE:
                begin = tables.add(what)
            else:
                found = known[who].get(what)
                if found is None:
                    found = known[who][what] = start[who] + pairs[who]
                    pairs[who] += count
                begin = found
            add((who, begin, free, count))
            depth += 1
            stack.extend([(child, depth) for child in range(free + count - 1, free - 1, -1)])
            free += count
            deepest, widest = max(deepest, depth), max(widest, count)
        if progress and len(place) >= report:
            report += _REPORT_EVERY
            progress(len(place))
    if len(place) != game.histories or pairs != game.actions:
        raise GameplanError(f"{game.name} is not the game any more that was compiled; empty the cache: gameplan cache clear")
    nodes = np.empty((len(place), 4), np.int32)
    nodes[np.frombuffer(place, np.int32)] = np.frombuffer(columns, np.int32).reshape(-1, 4)
    payoff = np.array(payoffs).reshape(-1, game.players)
    return Histories(nodes, tables.arrays(), payoff, np.array([deepest, widest], np.int64))


def moves_of_source(source: Source) -> Iterator[Move]:
    """Yield the nodes of a game file; payoffs on the way are added where the game ends."""
    zeros = (0.0,) * len(source.players)
    stack: list[tuple[Fraction, ...] | None] = [None]
    for node in source.nodes():
        total, infoset = stack.pop(), node.infoset
        if node.payoffs is not None:
            total = node.payoffs if total is None else tuple(map(plus, total, node.payoffs))
        if infoset is None:
            yield TERMINAL, zeros if total is None else tuple(map(float, total)), 0
            continue
        count = len(infoset.actions)
        stack.extend([total] * count)
        if infoset.probabilities is not None:
            yield CHANCE, tuple(map(float, infoset.probabilities)), count
        else:
            yield infoset.player - 1, infoset, count


def moves_of_openspiel(game: Any, name: str) -> Iterator[Move]:
    """Yield the nodes of a turn-based OpenSpiel game.

    Raises
    ------
    GameplanError
        If OpenSpiel fails on the way.
    """
    stack: list[tuple[Any, int | None]] = [(game.new_initial_state(), None)]
    try:
        while stack:
            state, move = stack.pop()
            if move is not None:  # a state is copied only when it is reached
                state = state.child(move)
            player = state.current_player()
            if player >= 0:
                actions = state.legal_actions()
                yield player, state.information_state_string(), len(actions)
            elif state.is_terminal():
                yield TERMINAL, state.returns(), 0
                continue
            else:
                outcomes = state.chance_outcomes()
                actions = [action for action, _ in outcomes]
                yield CHANCE, tuple([p for _, p in outcomes]), len(actions)
            stack.extend([(state, action) for action in reversed(actions)])
    except GameplanError:
        raise
    except Exception as error:  # pyspiel.SpielError and whatever its bindings throw
        raise GameplanError(f"OpenSpiel failed while walking {name}: {openspiel_reason(error)}") from error


class _Tables:
    """The distributions of chance, each kept once."""

    def __init__(self) -> None:
        self._starts: dict[tuple[float, ...], int] = {}
        self._rows: list[tuple[float, float]] = []

    def add(self, key: tuple[float, ...]) -> int:
        """Return where the rows of a distribution begin."""
        start = self._starts.get(key)
        if start is None:
            start = self._starts[key] = len(self._rows)
            last = max(k for k, p in enumerate(key) if p > 0.0)  # rounding leaves no room behind it
            sums = (total if k < last else 1.0 for k, total in enumerate(accumulate(key)))
            self._rows.extend(zip(key, sums, strict=True))
        return start

    def arrays(self) -> np.ndarray:
        """Return the rows."""
        return np.array(self._rows).reshape(-1, 2)


def _moves(game: SequenceGame) -> Iterator[Move]:
    """Return the nodes of what a game was compiled from."""
    name = game.source or game.name
    if is_game_file(name):
        source, key = open_file(Path(name))
        moves = moves_of_source(source)
    else:
        shown, opener, content = resolve(name)
        opened = opener()
        key = game_key(opened, shown, content)
        moves = moves_of_openspiel(turn_based(opened, shown)[0], shown)
    if key != game.key:
        raise GameplanError(f"{name} is not the game any more that was compiled from it; put it back, or load it again")
    return moves


def _encode(histories: Histories, game: SequenceGame) -> bytes:
    arrays = histories._asdict()
    header = {"key": game.key, "histories format": FORMAT, "checksum": checksum(arrays)}
    return save(arrays, metadata={"histories": json.dumps(header)})


def _read(path: Path, game: SequenceGame) -> Histories | None:
    """Return the tree in the file `path` if it is that of `game`, or None if it is not or the file is damaged."""
    try:
        with safe_open(path, framework="numpy") as stream:
            header: dict[str, Any] = json.loads((stream.metadata() or {})["histories"])
            arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dictionary)
        wanted = {"key": game.key, "histories format": FORMAT, "checksum": checksum(arrays)}
        return Histories(**arrays) if header == wanted else None
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
