"""Policies of OpenSpiel in and out. pyspiel is imported only where one of its policies is made, or was given."""

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from games.errors import UsageError
from games.gambit.files import is_game_file
from games.loader import resolve
from games.openspiel import turn_based
from games.sequence_form import SequenceGame

if TYPE_CHECKING:
    import pyspiel
    from open_spiel.python.policy import TabularPolicy

Pairs = list[tuple[int, float]]  # of actions and probabilities, as OpenSpiel's tables have them


def is_openspiel(policy: object) -> bool:
    """Return whether `policy` is one of OpenSpiel's, of C++ or of Python."""
    return _is_a(policy, "pyspiel", "Policy") or _is_a(policy, "open_spiel.python.policy", "Policy")


def game_of(policy: Any) -> str | None:
    """Return the game that a policy of OpenSpiel's knows itself to be of, if it does."""
    game = getattr(policy, "game", None)
    return None if game is None else str(game)


def table_of(policy: Any, game: SequenceGame) -> Mapping[str, Pairs]:
    """Return infoset -> (action, probability) pairs of a policy of OpenSpiel's for `game`.

    Tables are read; other policies are asked once in every infoset, for which the tree is walked.

    Raises
    ------
    UsageError
        For a game that OpenSpiel does not have, because it was read from a file.
    """
    if _is_a(policy, "pyspiel", "TabularPolicy"):
        return {str(name): _played(pairs) for name, pairs in policy.policy_table().items()}
    if _is_a(policy, "open_spiel.python.policy", "TabularPolicy"):
        return {str(name): _played(pairs) for name, pairs in policy.to_dict().items()}
    of_python = _is_a(policy, "open_spiel.python.policy", "Policy")
    found: dict[str, Pairs] = {}
    waiting = [opened(game).new_initial_state()]
    while waiting:
        state = waiting.pop()
        if state.is_terminal():
            continue
        if not state.is_chance_node():
            player = state.current_player()
            name = state.information_state_string(player)
            if name not in found:
                answer = policy.action_probabilities(state, player) if of_python else policy.action_probabilities(state)
                found[name] = _played(answer.items())
        waiting += [state.child(action) for action in state.legal_actions()]
    return found


def _played(pairs: Iterable[tuple[int, float]]) -> Pairs:
    """Return the pairs with a probability: some tables list illegal actions, with none."""
    return [(int(action), float(probability)) for action, probability in pairs if probability != 0.0]


def opened(game: SequenceGame) -> Any:
    """Return OpenSpiel's game (pyspiel.Game) for `game`, with moves in turn.

    Raises
    ------
    UsageError
        If it was read from a file of Gambit's.
    """
    if is_game_file(game.name):
        raise UsageError(f"{game.name} is a file, not a game of OpenSpiel's; its policies go into files: .save(path)")
    shown, make, _ = resolve(game.name)
    return turn_based(make(), shown)[0]


def to_python(game: SequenceGame, policy: np.ndarray) -> "TabularPolicy":
    """Return `policy` (pairs of all players) as a tabular policy of OpenSpiel's Python."""
    from open_spiel.python.policy import TabularPolicy

    made = TabularPolicy(opened(game))
    for name, pairs in _pairs(game, policy).items():
        row = made.policy_for_key(name)
        row[:] = 0.0
        for action, probability in pairs:
            row[action] = probability
    return made


def to_cpp(game: SequenceGame, policy: np.ndarray) -> "pyspiel.TabularPolicy":
    """Return `policy` (pairs of all players) as a tabular policy of OpenSpiel's C++."""
    opened(game)  # a file is refused in words
    import pyspiel

    return pyspiel.TabularPolicy(_pairs(game, policy))


def _pairs(game: SequenceGame, policy: np.ndarray) -> dict[str, Pairs]:
    from workbench.solving.policies import policy_table

    tables = policy_table(game, policy)
    return {name: [(int(a), p) for a, p in actions.items()] for table in tables for name, actions in table.items()}


def _is_a(policy: object, module: str, name: str) -> bool:
    known = sys.modules.get(module)
    return known is not None and isinstance(policy, getattr(known, name))
