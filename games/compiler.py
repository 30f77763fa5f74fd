"""The compiler: one walk over OpenSpiel's tree, then flat arrays for good."""

import os
import re
from array import array
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from games.assembly import Infosets, assemble
from games.errors import GameplanError
from games.sequence_form import Rows, SequenceGame

MAX_HISTORIES = 5_000_000
MAX_NAME_BYTES = 1 << 29  # infoset strings kept in memory; long before this a game is too large to solve
MAX_MEMORY = 1 << 32  # bytes for the walk: deep games hold one state of OpenSpiel's per level
_TERMINAL, _CHANCE = -4, -1
_REPORT_EVERY = 1 << 11

Progress = Callable[[int], None]


def compile_game(
    game: Any, name: str, key: str, *, converted: bool = False, max_histories: int = MAX_HISTORIES, progress: Progress | None = None
) -> SequenceGame:
    """Return the sequence form of a turn-based OpenSpiel game.

    Parameters
    ----------
    game : pyspiel.Game
        Sequential, with explicit chance and information-state strings.
    name, key, converted
        Stored in the result, see `SequenceGame`.
    max_histories : int
        Refuse larger trees. Checked while walking.
    progress : callable, optional
        Called with the number of histories seen so far, now and then.

    Raises
    ------
    GameplanError
        If the tree is too large, a player forgets what it knew or did, or OpenSpiel fails on the way.
    """
    walk = _Walk(game.num_players(), name, max_histories)
    try:
        walk.run(game.new_initial_state(), progress)
    except GameplanError:
        raise
    except MemoryError as error:
        raise GameplanError(f"{name} needs more memory than there is; choose smaller game parameters") from error
    except Exception as error:  # pyspiel.SpielError and whatever its bindings throw
        raise GameplanError(f"OpenSpiel failed while walking {name}: {openspiel_reason(error)}") from error
    if not walk.chance:
        raise GameplanError(f"{name} has no terminal history; choose other game parameters")
    return assemble(walk.infosets, walk.terminals(), name=name, key=key, histories=walk.histories, converted=converted)


def openspiel_reason(error: BaseException) -> str:
    """Return the first line of an OpenSpiel error, without the place in its sources, cut to a readable length."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    text = re.sub(r"^\S*/\S+\.(cc|h):\d+\s*", "", text) or type(error).__name__
    return text if len(text) <= 200 else text[:200] + "..."


class _Walk:
    """Depth-first walk that collects infosets and terminal histories."""

    def __init__(self, players: int, name: str, max_histories: int) -> None:
        self.players = players
        self.name = name
        self.max_histories = max_histories
        self.histories = 0
        self.ids: list[dict[str, int]] = [{} for _ in range(players)]
        self.infosets = Infosets(players)
        self.sequences = array("i")
        self.chance = array("d")
        self.returns = array("d")

    def run(self, root: Any, progress: Progress | None) -> None:
        # A stack of (parent state, action): a state is cloned only when it is reached, and the last child takes its parent over.
        stack: list[tuple[Any, int | None, bool, float, tuple[int, ...]]] = [(root, None, False, 1.0, (0,) * self.players)]
        pop, push = stack.pop, stack.append
        histories, report, name_bytes = 0, _REPORT_EVERY, 0
        limit = self.max_histories
        parents, first_pair, actions = self.infosets.parent, self.infosets.first, self.infosets.actions
        memory = _resident() + min(_available() // 2, MAX_MEMORY)
        while stack:
            state, action, last, chance, reached = pop()
            if action is not None:
                if last:
                    state.apply_action(action)
                else:
                    state = state.child(action)
            histories += 1
            if histories >= report:
                report += _REPORT_EVERY
                if progress:
                    progress(histories)
                if _resident() > memory:
                    raise GameplanError(
                        f"{self.name} needs more than {memory / 2**30:.0f} GiB by {histories:,} histories; choose a smaller game"
                    )
            if histories + len(stack) > limit:  # what is on the stack will be visited too
                raise GameplanError(
                    f"{self.name} has more than {limit:,} histories; choose smaller game parameters or raise --max-histories"
                )
            player = state.current_player()
            if player >= 0:
                text = state.information_state_string()
                legal = state.legal_actions()
                if not legal:
                    raise GameplanError(f"{self.name} reaches a state where player {player} has no legal action: {_short(text)}")
                infoset = self.ids[player].get(text)
                if infoset is None:
                    name_bytes += len(text)
                    if name_bytes > MAX_NAME_BYTES:
                        raise GameplanError(
                            f"{self.name} has information-state strings of more than {MAX_NAME_BYTES >> 20} MiB by "
                            f"{histories:,} histories; choose smaller game parameters"
                        )
                    infoset = self._new_infoset(player, text, reached[player], legal)
                elif parents[player][infoset] != reached[player] or actions[player][infoset] != legal:
                    raise self._recall_error(player, text, parents[player][infoset] != reached[player])
                first = first_pair[player][infoset]
                before, after = reached[:player], reached[player + 1 :]
                last = True
                for k in range(len(legal) - 1, -1, -1):
                    push((state, legal[k], last, chance, (*before, first + k + 1, *after)))
                    last = False
            elif player == _TERMINAL:
                self.sequences.extend(reached)
                self.chance.append(chance)
                returns = state.returns()
                if not all(map(isfinite, returns)):
                    raise GameplanError(
                        f"{self.name} pays {returns} after the history {_short(str(state.history()))}; "
                        "payoffs must be finite numbers"
                    )
                self.returns.extend(returns)
            elif player == _CHANCE:
                last = True
                outcomes = state.chance_outcomes()
                if not abs(sum(q for _, q in outcomes) - 1.0) <= 1e-9 or min(q for _, q in outcomes) < 0.0:
                    raise GameplanError(f"{self.name} has chance probabilities that are no distribution: {outcomes[:4]}")
                for outcome, probability in reversed(outcomes):
                    push((state, outcome, last, chance * probability, reached))
                    last = False
            else:
                raise GameplanError(f"{self.name} reaches a state of an unsupported kind (player {player})")
        self.histories = histories

    def _new_infoset(self, player: int, text: str, parent: int, legal: list[int]) -> int:
        if len(set(legal)) != len(legal):
            raise GameplanError(
                f"{self.name} lists an action twice at infoset {_short(text)} of player {player}; in an .efg file the "
                "actions of an infoset need labels that differ"
            )
        self.ids[player][text] = infoset = self.infosets.add(player, text, parent, legal)
        return infoset

    def _recall_error(self, player: int, text: str, forgets: bool) -> GameplanError:
        if forgets:
            return GameplanError(
                f"{self.name} has imperfect recall: player {player} reaches infoset {_short(text)} with different own histories; "
                "only perfect-recall games can be solved here"
            )
        return GameplanError(f"{self.name} offers different legal actions in one infoset: player {player}, {_short(text)}")

    def terminals(self) -> Rows:
        """Return the terminal histories, one row each."""
        chance = np.array(self.chance)
        utility = np.array(self.returns).reshape(-1, self.players).T * chance
        return Rows(np.array(self.sequences, np.int32).reshape(-1, self.players), chance, utility)


def _resident() -> int:
    """Return the memory in use by this process, in bytes; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def _available() -> int:
    """Return the memory that is free for use, in bytes."""
    try:
        text = Path("/proc/meminfo").read_text()
        return int(text.split("MemAvailable:")[1].split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        return 1 << 40


def _short(text: str) -> str:
    shown = text.replace("\n", " ")
    return repr(shown if len(shown) <= 80 else shown[:80] + "...")
