"""Policy files: npz for the machine, JSON and CSV keyed by infoset string for everybody else.

JSON is ``{"game": ..., "players": [{infoset: {action id: probability}}, ...]}``. A flat ``{infoset: {action id: probability}}`` is
read too, and so are lists of (action, probability) pairs in place of the inner dictionary, which is what OpenSpiel's
``TabularPolicy.to_dict()`` gives.
"""

import csv
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from games.errors import GameplanError, UsageError
from games.files import write_atomically
from games.sequence_form import SequenceGame
from solvers.exploitability import uniform_policy

SUFFIXES = (".npz", ".json", ".csv")
_TURN = "Current player: "


def policy_table(game: SequenceGame, policy: np.ndarray, *, stripped: bool = False) -> list[dict[str, dict[str, float]]]:
    """Return the policy as one dictionary per player, infoset string -> action id -> probability.

    `stripped` leaves out the line "Current player: ..." with which OpenSpiel begins the infoset strings of converted games.
    """
    tables = []
    for player, names in enumerate(game.infoset_names):
        infosets, start = game.player_infosets(player), game.player_actions(player).start
        begin = (game.tree.first[infosets].astype(np.int64) + start).tolist()
        count = game.tree.count[infosets].tolist()
        actions, values = game.action_ids.tolist(), policy.tolist()
        tables.append({
            _strip(name) if stripped else name: {str(actions[k]): values[k] for k in range(a, a + n)}
            for name, a, n in zip(names, begin, count, strict=True)
        })  # fmt: skip
    return tables


def encode_policy(game: SequenceGame, policy: np.ndarray, suffix: str, *, stripped: bool = False) -> bytes:
    """Return the content of a policy file of the kind given by `suffix`, one of `SUFFIXES`.

    Raises
    ------
    UsageError
        For another suffix.
    """
    if suffix == ".npz":
        return encode_arrays({"policy": policy, "game": np.array(game.name)})
    tables = policy_table(game, policy, stripped=stripped)
    if suffix == ".json":
        return (json.dumps({"game": game.name, "players": tables}, indent=1) + "\n").encode()
    if suffix == ".csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["player", "infoset", "action", "probability"])
        for player, table in enumerate(tables):
            writer.writerows([player, name, a, repr(p)] for name, actions in table.items() for a, p in actions.items())
        return text.getvalue().encode()
    raise UsageError(f"no policy file ends in {suffix!r}; legal are {', '.join(SUFFIXES)}")


def encode_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the content of an npz file."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def save_policy(game: SequenceGame, policy: np.ndarray, path: Path, *, stripped: bool = False) -> None:
    """Write the policy to `path`; the suffix says how."""
    write_atomically(path, encode_policy(game, policy, path.suffix, stripped=stripped))


def load_policy(game: SequenceGame, path: Path) -> tuple[np.ndarray, int]:
    """Return the policy in the file `path` (pairs of all players) and the number of infosets that it does not mention.

    Those are played uniformly, as infosets that no program has ever visited must be.

    Raises
    ------
    UsageError
        If the file cannot be read or is of no known kind.
    GameplanError
        If it does not hold a policy of `game`; infoset and action are named.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path} is no policy file; its name must end in {', '.join(SUFFIXES)}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the policy file {path}: {error.strerror}") from error
    try:
        if path.suffix == ".npz":
            return _from_arrays(game, path, data), 0
        tables = _read_json(data) if path.suffix == ".json" else _read_csv(data)
    except GameplanError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, zipfile.BadZipFile, EOFError, csv.Error) as error:
        raise GameplanError(f"{path} does not hold a policy: {str(error).splitlines()[0] if str(error) else error!r}") from error
    return _from_tables(game, path, tables)


def _from_arrays(game: SequenceGame, path: Path, data: bytes) -> np.ndarray:
    with np.load(io.BytesIO(data), allow_pickle=False) as stream:
        policy, name = np.asarray(stream["policy"], np.float64), str(stream["game"])
    if policy.shape != game.action_ids.shape:
        raise GameplanError(
            f"{path} holds {policy.size} probabilities for {name}; {game.name} has {len(game.action_ids)} (infoset, action) pairs"
        )
    _check(game, path, policy)
    return policy


def _read_json(data: bytes) -> list[Mapping[str, Any]]:
    content = json.loads(data)
    if not isinstance(content, dict):
        raise ValueError("it is JSON, but not an object")
    players = content.get("players")
    if isinstance(players, list):
        return [dict(table) for table in players]
    return [content]


def _read_csv(data: bytes) -> list[Mapping[str, Any]]:
    tables: dict[int, dict[str, dict[str, float]]] = {}
    for row in csv.DictReader(io.StringIO(data.decode())):
        table = tables.setdefault(int(row["player"]), {})
        table.setdefault(row["infoset"], {})[row["action"]] = float(row["probability"])
    if not tables:
        raise ValueError("it has no rows under the header player,infoset,action,probability")
    return [tables.get(player, {}) for player in range(max(tables) + 1)]


def _from_tables(game: SequenceGame, path: Path, tables: list[Mapping[str, Any]]) -> tuple[np.ndarray, int]:
    flat = len(tables) == 1 and game.players != 1
    if not flat and len(tables) != game.players:
        raise GameplanError(f"{path} holds policies of {len(tables)} players; {game.name} has {game.players}")
    policy = uniform_policy(game)
    missing, example = 0, ""
    for player, names in enumerate(game.infoset_names):
        table = tables[0] if flat else tables[player]
        infosets, start = game.player_infosets(player), game.player_actions(player).start
        for name, first, count in zip(names, game.tree.first[infosets].tolist(), game.tree.count[infosets].tolist(), strict=True):
            given = table.get(name, table.get(_strip(name)))
            if given is None:
                missing, example = missing + 1, name
                continue
            at = slice(start + first, start + first + count)
            policy[at] = _probabilities(path, name, given, game.action_ids[at].tolist())
    total = sum(game.infosets)
    if missing == total:
        raise GameplanError(f"{path} mentions no infoset of {game.name}, such as {_short(example)}; is it for another game?")
    _check(game, path, policy)
    return policy, missing


def _probabilities(path: Path, name: str, given: Any, actions: list[int]) -> list[float]:
    try:
        pairs = given.items() if isinstance(given, Mapping) else given
        table = {int(action): float(probability) for action, probability in pairs}
    except (TypeError, ValueError) as error:
        raise GameplanError(f"{path}, infoset {_short(name)}: not a table of action ids and probabilities") from error
    illegal = [action for action in table if action not in actions]
    if illegal:
        raise GameplanError(f"{path}, infoset {_short(name)}: action {illegal[0]} is not legal; legal are {actions}")
    return [table.get(action, 0.0) for action in actions]


def _check(game: SequenceGame, path: Path, policy: np.ndarray) -> None:
    for player, names in enumerate(game.infoset_names):
        infosets, pairs = game.player_infosets(player), game.player_actions(player)
        if not names:
            continue
        own = policy[pairs]
        sums = np.add.reduceat(own, game.tree.first[infosets].astype(np.int64))
        lowest = np.minimum.reduceat(own, game.tree.first[infosets].astype(np.int64))
        bad = np.flatnonzero(~((np.abs(sums - 1.0) <= 1e-6) & (lowest >= 0.0)))
        if len(bad):
            raise GameplanError(
                f"{path}, infoset {_short(names[bad[0]])}: probabilities sum to {sums[bad[0]]:.9g} with a lowest of "
                f"{lowest[bad[0]]:.3g}; they must be non-negative and sum to 1"
            )


def _strip(name: str) -> str:
    return name.split("\n", 1)[1] if name.startswith(_TURN) and "\n" in name else name


def _short(name: str) -> str:
    shown = name.replace("\n", " ")
    return repr(shown if len(shown) <= 80 else shown[:80] + "...")
