"""The compiler: one walk over OpenSpiel's tree, then flat arrays for good."""

import re
import time
from array import array
from collections.abc import Callable
from hashlib import blake2b
from math import isfinite
from typing import Any

import numpy as np

from games.assembly import Infosets, assemble
from games.errors import GameplanError
from games.memory import default_budget, resident, shown
from games.names import Names
from games.sequence_form import Rows, SequenceGame

MAX_HISTORIES = 5_000_000
_TERMINAL, _CHANCE = -4, -1
LONGEST_LABEL = 200  # characters of an action's name
_REPORT_EVERY, _REPORT_SECONDS = 1 << 11, 2.0  # histories, or where OpenSpiel is slow seconds

Progress = Callable[[int], None]


def compile_game(
    game: Any,
    name: str,
    key: str,
    *,
    converted: bool = False,
    max_histories: int = MAX_HISTORIES,
    max_memory: int | None = None,
    progress: Progress | None = None,
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
    max_memory : int, optional
        Refuse games that need more than so many bytes while walking; half of what is free unless given.
    progress : callable, optional
        Called with the number of histories seen so far, now and then.

    Raises
    ------
    GameplanError
        If the tree is too large, a player forgets what it knew or did, or OpenSpiel fails on the way.
    """
    budget = default_budget() if max_memory is None else max_memory
    walk = _Walk(game.num_players(), name, max_histories, budget)
    try:
        walk.run(game.new_initial_state(), progress)
        if not walk.chance:
            raise GameplanError(f"{name} has no terminal history; choose other game parameters")
        return assemble(
            walk.infosets, walk.terminals(), walk.names, name=name, key=key, histories=walk.histories, converted=converted
        )
    except GameplanError:
        raise
    except MemoryError as error:
        raise walk.too_large() from error
    except Exception as error:  # pyspiel.SpielError and whatever its bindings throw
        reason = openspiel_reason(error)
        if re.match(r"InformationState\w* is not implemented|.*information_state_string", reason):
            raise GameplanError(f"{name} provides no information-state string; it cannot be compiled into infosets") from error
        raise GameplanError(f"OpenSpiel failed while walking {name}: {reason}") from error


def openspiel_reason(error: BaseException) -> str:
    """Return the first line of an OpenSpiel error, without the place in its sources, cut to a readable length."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    text = re.sub(r"^\S*/\S+\.(cc|h):\d+\s*", "", text) or type(error).__name__
    return text if len(text) <= 200 else text[:200] + "..."


class _Walk:
    """Depth-first walk that collects infosets and terminal histories."""

    def __init__(self, players: int, name: str, max_histories: int, max_memory: int) -> None:
        self.players = players
        self.name = name
        self.max_histories = max_histories
        self.max_memory = max_memory
        self.histories = 0
        self.ids: list[dict[bytes, int]] = [{} for _ in range(players)]  # by digests: the strings would fill the memory
        self.infosets = Infosets(players)
        self.names = Names(players)
        self.action_lists: dict[tuple[int, ...], tuple[int, ...]] = {}  # each kept once
        self.sequences = array("i")
        self.chance = array("d")
        self.returns = array("d")

    def run(self, root: Any, progress: Progress | None) -> None:
        # A stack of (parent state, action): a state is cloned only when it is reached, and the last child takes its parent over.
        stack: list[tuple[Any, int | None, bool, float, tuple[int, ...]]] = [(root, None, False, 1.0, (0,) * self.players)]
        pop, push = stack.pop, stack.append
        histories, report, clock = 0, _REPORT_EVERY, time.monotonic
        due, limit = clock() + _REPORT_SECONDS, self.max_histories
        parents, first_pair, actions = self.infosets.parent, self.infosets.first, self.infosets.actions
        memory = resident() + self.max_memory
        while stack:
            state, action, last, chance, reached = pop()
            if action is not None:
                if last:
                    state.apply_action(action)
                else:
                    state = state.child(action)
            self.histories = histories = histories + 1
            if histories >= report or clock() > due:
                report, due = histories - histories % _REPORT_EVERY + _REPORT_EVERY, clock() + _REPORT_SECONDS
                if progress:
                    progress(histories)
                if resident() > memory:
                    raise self.too_large()
            if histories + len(stack) > limit:  # what is on the stack will be visited too
                raise GameplanError(
                    f"{self.name} has more than {limit:,} histories; choose smaller game parameters or raise --max-histories"
                )
            player = state.current_player()
            if player >= 0:
                text = state.information_state_string()
                legal = tuple(state.legal_actions())
                if not legal:
                    raise GameplanError(f"{self.name} reaches a state where player {player} has no legal action: {_short(text)}")
                name = text.encode()
                identity = blake2b(name, digest_size=16).digest()
                infoset = self.ids[player].get(identity)
                if infoset is None:
                    infoset = self._new_infoset(player, name, identity, reached[player], legal, state)
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

    def _new_infoset(self, player: int, name: bytes, identity: bytes, parent: int, legal: tuple[int, ...], state: Any) -> int:
        if len(set(legal)) != len(legal):
            raise GameplanError(f"{self.name} lists an action twice at infoset {_short(name.decode())} of player {player}")
        legal = self.action_lists.setdefault(legal, legal)
        self.ids[player][identity] = infoset = self.infosets.add(player, parent, legal, _labels(state, player, legal))
        self.names.add(player, name)
        return infoset

    def too_large(self) -> GameplanError:
        """Return the error that names the memory and what can be done."""
        return GameplanError(
            f"{self.name} needs more memory than {shown(self.max_memory)} by {self.histories:,} histories; choose smaller game "
            "parameters or raise --max-memory"
        )

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


def _labels(state: Any, player: int, legal: tuple[int, ...]) -> list[str]:
    """Return what OpenSpiel calls these actions; their numbers where it has no names, or one name for two."""
    try:
        labels = [" ".join(str(state.action_to_string(player, action)).split())[:LONGEST_LABEL] for action in legal]
    except Exception:  # games written in Python may raise anything; a game without names of actions can be solved all the same
        return [str(action) for action in legal]
    return labels if len(set(labels)) == len(labels) and all(labels) else [str(action) for action in legal]


def _short(text: str) -> str:
    shown = text.replace("\n", " ")
    return repr(shown if len(shown) <= 80 else shown[:80] + "...")
