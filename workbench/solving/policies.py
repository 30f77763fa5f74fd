"""Policy files: npz for the machine, JSON and CSV keyed by infoset string for everybody else.

JSON is ``{"game": ..., "players": [{infoset: {action id: probability}}, ...], "action_names": [{action id: name}, ...]}``; where a
player's infosets name an action differently, as game files may, "infoset_action_names" has them by infoset, too. CSV has the name
in its last column, npz the distinct names and the number of its own for every probability. Names are for people: no reader needs
them, and files without them are read. A flat ``{infoset: {action id: probability}}`` is
read too, and so are lists of (action, probability) pairs in place of the inner dictionary, which is what OpenSpiel's
``TabularPolicy.to_dict()`` gives.
"""

import csv
import io
import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from games.errors import GameplanError, UnknownName, UsageError
from games.files import read_file, write_output
from games.reading import parse_json, shown
from games.sequence_form import SequenceGame
from solvers.exploitability import uniform_policy
from workbench.runs.arrays import read_arrays

SUFFIXES = (".npz", ".json", ".csv")
UNIFORM = "uniform"  # the policy that needs no file
MOST_BYTES = 1 << 30  # of a file
MOST_NAMES = 1 << 20  # bytes of the names of actions in an npz file, which has none if they were more
_HEADER = ("player", "infoset", "action", "probability")
_NAME = "name"  # a further column, which may be missing
_FORM = '{"players": [{infoset: {action id: probability}}, ...]}'
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


def action_names(game: SequenceGame) -> tuple[list[dict[str, str]], list[dict[str, dict[str, str]]]]:
    """Return what actions are called: of every player action id -> name, and infoset -> action id -> name where that is another."""
    labels, label, ids = game.action_labels, game.label.tolist(), game.action_ids.tolist()
    names: list[dict[str, str]] = [{} for _ in range(game.players)]
    others: list[dict[str, dict[str, str]]] = [{} for _ in range(game.players)]
    for player, infosets in enumerate(game.infoset_names):
        k = game.player_actions(player).start
        for infoset, count in zip(infosets, game.tree.count[game.player_infosets(player)].tolist(), strict=True):
            own = {str(ids[j]): labels[label[j]] for j in range(k, k + count)}
            if any(names[player].setdefault(action, name) != name for action, name in own.items()):
                others[player][infoset] = own
            k += count
    return names, others


def encode_policy(game: SequenceGame, policy: np.ndarray, suffix: str, *, stripped: bool = False) -> bytes:
    """Return the content of a policy file of the kind given by `suffix`, one of `SUFFIXES`.

    Raises
    ------
    UsageError
        For another suffix.
    """
    if suffix == ".npz":
        labels = game.action_labels
        small = 4 * len(labels) * max(map(len, labels), default=0) <= MOST_NAMES  # numpy gives every text the room of the longest
        named = {"names": np.array(labels, np.str_), _NAME: game.label} if small else {}
        return encode_arrays({"policy": policy, "game": np.array(game.name), **named})
    tables = policy_table(game, policy, stripped=stripped)
    if suffix == ".json":
        names, others = action_names(game)
        if stripped:
            others = [{_strip(infoset): own for infoset, own in table.items()} for table in others]
        record = {"game": game.name, "players": tables, "action_names": names}
        return (json.dumps({**record, **({"infoset_action_names": others} if any(others) else {})}, indent=1) + "\n").encode()
    if suffix == ".csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*_HEADER, _NAME])
        called = (game.action_labels[k] for k in game.label.tolist())
        for player, table in enumerate(tables):
            writer.writerows([player, i, a, repr(p), next(called)] for i, actions in table.items() for a, p in actions.items())
        return text.getvalue().encode()
    raise UsageError(f"no policy file ends in {suffix!r}; legal are {', '.join(SUFFIXES)}")


def encode_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the content of an npz file."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def save_policy(game: SequenceGame, policy: np.ndarray, path: Path, *, stripped: bool = False) -> None:
    """Write the policy to `path`; the suffix says how."""
    write_output(path, encode_policy(game, policy, path.suffix.lower(), stripped=stripped), "FILE")


def load_policy(
    game: SequenceGame, path: Path, warn: Callable[[str], None] = lambda text: warnings.warn(text, stacklevel=3)
) -> tuple[np.ndarray, int]:
    """Return the policy in the file `path` (pairs of all players) and the number of infosets that it does not mention.

    Those are played uniformly, as infosets that no program has ever visited must be. `warn` is told of what the file has beyond
    `game`: infosets that there are not.

    Raises
    ------
    UsageError
        If the file cannot be read or is of no known kind.
    GameplanError
        If it does not hold a policy of `game`; line or infoset and action are named.
    """
    policy, mentioned = load_mentioned(game, path, warn)
    return policy, int(np.count_nonzero(~mentioned))


def load_mentioned(game: SequenceGame, path: Path, warn: Callable[[str], None]) -> tuple[np.ndarray, np.ndarray]:
    """Return the policy in the file `path` (pairs of all players) and which infosets it mentions (of all players).

    Raises
    ------
    UsageError, GameplanError
        As `load_policy`.
    """
    check_suffix(path)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _from_arrays(game, path, warn), np.ones(sum(game.infosets), bool)
    data = read_file(path, "policy file", MOST_BYTES)
    tables = _read_json(path, data) if suffix == ".json" else _read_csv(path, data, game.players)
    return _filled(game, path, tables, warn)


def check_suffix(path: Path) -> None:
    """Refuse a file that is no policy by its name.

    Raises
    ------
    UsageError
        If it does not end in one of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UnknownName(str(path), "policy file", f"{path} is no policy file; its name must end in {', '.join(SUFFIXES)}")


def game_named(path: Path) -> str:
    """Return the game that the policy file `path` says it is of; "" if it says nothing, as CSV never does.

    Raises
    ------
    UsageError, GameplanError
        As `load_policy`.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz":
        name = read_arrays(path, lambda name: MOST_BYTES, "policy file").get("game")
        return str(name) if name is not None and name.dtype.kind == "U" and name.ndim == 0 else ""
    if suffix != ".json":
        return ""
    content = parse_json(read_file(path, "policy file", MOST_BYTES), path)
    name = content.get("game") if isinstance(content, dict) else None
    return name if isinstance(name, str) else ""


def _from_arrays(game: SequenceGame, path: Path, warn: Callable[[str], None]) -> np.ndarray:
    pairs = len(game.action_ids)
    most = {"policy": 16 * max(pairs, 1 << 20), _NAME: 8 * max(pairs, 1 << 17)}
    arrays = read_arrays(path, lambda name: most.get(name, MOST_NAMES), "policy file")
    policy, name = arrays.get("policy"), arrays.get("game")
    if policy is None or policy.dtype.kind not in "fiu" or policy.ndim != 1:
        raise GameplanError(f"{path} holds no list of numbers called policy; 'gameplan export' writes such files")
    known = str(name) if name is not None and name.dtype.kind == "U" and name.ndim == 0 else "an unnamed game"
    if policy.shape != game.action_ids.shape:
        raise GameplanError(
            f"{path} holds {policy.size} probabilities for {ascii(known[:80])[1:-1]}; {game.name} has {pairs} pairs "
            "(infoset, action)"
        )
    if known != game.name:
        warn(f"{path} was written for {ascii(known[:80])[1:-1]}, not {game.name}, which has as many (infoset, action) pairs")
    policy = policy.astype(np.float64)
    _check(game, path, policy)
    return policy


def _read_json(path: Path, data: bytes) -> list[Mapping[str, Any]]:
    content = parse_json(data, path)
    if not isinstance(content, dict):
        raise GameplanError(f"{path} is JSON, but no object; write {_FORM}")
    players = content.get("players")
    tables = players if isinstance(players, list) else [{k: v for k, v in content.items() if k != "game" or not isinstance(v, str)}]
    for player, table in enumerate(tables):
        if not isinstance(table, dict):
            raise GameplanError(f"{path}: players[{player}] = {shown(table)} is no object; write {_FORM}")
    return tables


def _read_csv(path: Path, data: bytes, players: int) -> list[Mapping[str, Any]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise GameplanError(f"{path}, line {line}: is not UTF-8 text") from error
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    tables: list[dict[str, dict[int, float]]] = [{} for _ in range(players)]
    try:
        header = [name.strip() for name in next(rows, [])]
        if sorted(header) not in (sorted(_HEADER), sorted((*_HEADER, _NAME))):
            raise ValueError(f"the header is {shown(head.strip())}; it must be {','.join(_HEADER)}, perhaps with {_NAME}")
        columns = [header.index(name) for name in _HEADER]
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise ValueError(f"{len(row)} fields; there must be {len(header)}")
            player, name, action, probability = (row[column] for column in columns)
            table = tables[_whole("player", player, players)].setdefault(name, {})
            number = _whole("action", action)
            if number in table:
                raise ValueError(f"action {number} of infoset {short(name)} appears twice")
            table[number] = _probability(probability)
    except (ValueError, csv.Error) as error:
        raise GameplanError(f"{path}, line {max(1, rows.line_num)}: {error}") from error
    if not any(tables):
        raise GameplanError(f"{path} has no rows under the header {','.join(_HEADER)}")
    return list(tables)


def _whole(what: str, text: str, count: int = 1 << 31) -> int:
    if not (text.strip().isascii() and text.strip().isdigit() and len(text) <= 20 and int(text) < count):
        raise ValueError(
            f"{what} = {shown(text)}; it must be a whole number" + (f" from 0 to {count - 1}" if what == "player" else "")
        )
    return int(text)


def _probability(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0 + 1e-6:
        raise ValueError(f"probability = {shown(text)}; it must be a number from 0 to 1, with a decimal point")
    return value


def policy_from_tables(
    game: SequenceGame, path: object, tables: Sequence[Mapping[str, Any]], warn: Callable[[str], None]
) -> tuple[np.ndarray, int]:
    """Return the policy in `tables`, one for each player or one for all, which are from `path`, and how many infosets they lack.

    Inner tables are action id -> probability, or lists of such pairs. What is lacking is played uniformly; `warn` is told of what
    the tables have beyond `game`.

    Raises
    ------
    GameplanError
        If they hold no policy of `game`; infoset and action are named.
    """
    policy, mentioned = _filled(game, path, tables, warn)
    return policy, int(np.count_nonzero(~mentioned))


def _filled(
    game: SequenceGame, path: object, tables: Sequence[Mapping[str, Any]], warn: Callable[[str], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the policy in `tables` and which infosets they mention (of all players); see `policy_from_tables`."""
    flat = len(tables) == 1 and game.players != 1
    if not flat and len(tables) != game.players:
        raise GameplanError(f"{path} holds policies of {len(tables)} players; {game.name} has {game.players}")
    policy = uniform_policy(game)
    mentioned, example = np.zeros(sum(game.infosets), bool), ""
    left = [dict.fromkeys(table) for table in tables]  # what is not of this game, in the file's order
    for player, names in enumerate(game.infoset_names):
        table, unknown = (tables[0], left[0]) if flat else (tables[player], left[player])
        infosets, start = game.player_infosets(player), game.player_actions(player).start
        shape = zip(names, game.tree.first[infosets].tolist(), game.tree.count[infosets].tolist(), strict=True)
        for number, (name, first, count) in enumerate(shape, infosets.start):
            key = name if name in table else _strip(name)
            mentioned[number] = key in table
            if key not in table:
                example = name
                continue
            unknown.pop(key, None)
            at = slice(start + first, start + first + count)
            policy[at] = _probabilities(path, name, table[key], game.action_ids[at].tolist())
    if not mentioned.any():
        raise GameplanError(f"{path} mentions no infoset of {game.name}, such as {short(example)}; is it for another game?")
    _check(game, path, policy)
    strange = [(player, name) for player, names in enumerate(left) for name in names]
    if strange:
        player, name = strange[0]
        whose = "" if flat else f" of player {player}"
        own = game.infoset_names[player]
        warn(
            f"{path} has {len(strange)} infosets that {game.name} does not have, such as {short(name)}{whose} (its own are like "
            f"{short(own[0]) if own else 'none'}); they are left out"
        )
    return policy, mentioned


def _probabilities(path: object, name: str, given: Any, actions: list[int]) -> list[float]:
    where = f"{path}, infoset {short(name)}"
    pairs = list(given.items()) if isinstance(given, Mapping) else given
    if not isinstance(pairs, list) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise GameplanError(f"{where}: {shown(given)} is not a table of action ids and probabilities")
    table: dict[int, float] = {}
    for action, probability in pairs:
        try:
            if isinstance(action, bool) or not isinstance(action, int | str):
                raise ValueError(f"action = {shown(action)}; it must be a whole number")
            number = _whole("action", str(action)) if isinstance(action, str) or abs(action) < 10**20 else -1
            if isinstance(probability, bool) or not isinstance(probability, int | float):
                raise ValueError(f"probability = {shown(probability)}; it must be a number from 0 to 1")
            if number in table:
                raise ValueError(f"action {number} appears twice")
            table[number] = _probability(repr(probability) if isinstance(probability, float) else str(probability)[:30])
        except ValueError as error:
            raise GameplanError(f"{where}: {error}") from error
    illegal = [action for action in table if action not in actions]
    if illegal:
        raise GameplanError(f"{where}: action {illegal[0]} is not legal; legal are {actions}")
    return [table.get(action, 0.0) for action in actions]


def _check(game: SequenceGame, path: object, policy: np.ndarray) -> None:
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
                f"{path}, infoset {short(names[bad[0]])}: probabilities sum to {sums[bad[0]]:.9g} with a lowest of "
                f"{lowest[bad[0]]:.3g}; they must be non-negative and sum to 1"
            )


def _strip(name: str) -> str:
    return name.split("\n", 1)[1] if name.startswith(_TURN) and "\n" in name else name


def short(name: str) -> str:
    """Return an infoset's name as messages have it: quoted, on one line, and not too long."""
    shown = name.replace("\n", " ")
    return repr(shown if len(shown) <= 80 else shown[:80] + "...")
