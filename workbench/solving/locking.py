"""Locks of solver runs: what a command line says of them, the run's copy of the policy, and the game that is left to solve."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from games.errors import GameplanError, UnknownName, UsageError
from games.sequence_form import SequenceGame
from solvers.exploitability import Evaluator, uniform_policy
from solvers.locked import Lock, LockedGame, lock_game
from workbench.runs.directory import LOCKED, RunDirectory
from workbench.runs.kinds import SOLVER_RUN, settings_of
from workbench.runs.programs import data_digest, kept_data
from workbench.solving.labels import matching, readable
from workbench.solving.policies import UNIFORM, check_suffix, load_mentioned, short

if TYPE_CHECKING:
    from workbench.solving.config import SolveConfig

POLICY = "policy.npz"  # of a run
SETTINGS = ("lock", "lock_player", "lock_infosets", "lock_probability")  # in a configuration


def resolve_lock(config: "SolveConfig", copies: RunDirectory | None) -> tuple["SolveConfig", dict[str, str]]:
    """Return `config` with what its lock leaves open filled in, but for the player, and the digest of the policy's file by role.

    Raises
    ------
    UsageError
        For settings of a lock without a policy, a probability that is none, or a policy that is not there.
    """
    if config.lock is None:
        for name in SETTINGS[1:]:
            if getattr(config, name) is not None:
                option = f"--{name.replace('_', '-')}"
                raise UsageError(f"{option} is said of a lock, and there is none; name the policy that is played: --lock POLICY")
        return config, {}
    probability = 1.0 if config.lock_probability is None else config.lock_probability
    if not 0.0 < probability <= 1.0:
        raise UsageError(f"lock_probability = {probability} is not possible; it must be above 0 and up to 1")
    name = config.lock if config.lock == UNIFORM or copies is not None else str(policy_file(config.lock))
    config = replace(config, lock=name, lock_probability=probability, lock_infosets=config.lock_infosets or None)
    if name == UNIFORM:
        return config, {}
    path = _kept(config, copies)
    return config, {LOCKED: data_digest(path, LOCKED)}


def policy_file(name: str) -> Path:
    """Return the file of the policy called `name`, which is a solver run or the file itself.

    Raises
    ------
    UsageError
        If there is no such run or file, or the run has no policy yet.
    """
    path = Path(name)
    if path.is_dir():
        settings_of(RunDirectory.open(path), SOLVER_RUN)
        if not (path / POLICY).exists():
            raise UsageError(f"{path} has no policy yet: it was not run to its end; go on with: gameplan solve --resume {path}")
        path = path / POLICY
    elif not name or not path.exists():
        known = f"a policy is a run, a file (npz, JSON or CSV), or {UNIFORM}"
        raise UnknownName(name, "run", f"there is no policy {name!r} to be locked: {known}")
    check_suffix(path)
    return path.resolve()


def _kept(config: "SolveConfig", copies: RunDirectory | None) -> Path:
    """Return the policy's file, or the copy that a run keeps of it."""
    name = str(config.lock)
    if copies is None:
        return Path(name)
    if LOCKED not in config.programs:
        raise GameplanError(f"the run in {copies.path} keeps no copy of the policy of its lock, {name}; run again")
    check_suffix(Path(name))
    return kept_data(copies, LOCKED, name, config.programs)


class Played(NamedTuple):
    """A game, and what of it a solver is given.

    Attributes
    ----------
    itself : SequenceGame
    solved : SequenceGame
        The game with the lock; the game itself if there is none.
    locked : LockedGame, optional
    """

    itself: SequenceGame
    solved: SequenceGame
    locked: LockedGame | None = None

    @property
    def player(self) -> int | None:
        """Whose play is given, if anybody's."""
        return None if self.locked is None else self.locked.lock.player

    def unlock(self, policy: np.ndarray) -> np.ndarray:
        """Return the policy of the game itself that is `policy` in what was solved."""
        return policy if self.locked is None else self.locked.unlock(policy)

    def record(self, config: "SolveConfig", policy: np.ndarray) -> dict[str, Any]:
        """Return what a result says of the lock and of `policy`, which is of what was solved; nothing if there is no lock.

        ``wins`` are the players' values when the player is bound to what is given; the rest is of the policy in the game itself.
        """
        if self.locked is None:
            return {}
        evaluate, lock = Evaluator(self.itself), self.locked.lock
        found = evaluate(self.locked.unlock(policy))
        return {"lock": {
            "policy": config.lock, "player": lock.player, "pattern": config.lock_infosets, "probability": lock.probability,
            "infosets": int(np.count_nonzero(lock.infosets)), "wins": list(evaluate(self.locked.bound(policy)).values),
            "exploitability": found.exploitability, "nash_conv": found.nash_conv, "values": list(found.values),
            "best_responses": list(found.best_responses),
        }}  # fmt: skip


def played(
    config: "SolveConfig", game: SequenceGame, run: RunDirectory | None = None, warn: Callable[[str], None] = lambda text: None
) -> Played:
    """Return what a run of the resolved `config` solves of its `game`; arguments and errors are those of `read_lock`."""
    if config.lock is None:
        return Played(game, game)
    locked = lock_game(game, read_lock(config, game, run, warn))
    return Played(game, locked.game, locked)


def read_lock(
    config: "SolveConfig", game: SequenceGame, run: RunDirectory | None = None, warn: Callable[[str], None] = lambda text: None
) -> Lock:
    """Return the lock of the resolved `config` in its `game`; the policy is read from the `run`'s copy, if given.

    `warn` is told of what the policy has beyond the game.

    Raises
    ------
    UsageError
        If it is not said whose play is locked, there is no such player, or no infoset matches.
    GameplanError
        If the file holds no policy of the game, or none for an infoset that is locked.
    """
    if config.lock == UNIFORM:
        policy, mentioned = uniform_policy(game), np.ones(sum(game.infosets), bool)
    else:
        policy, mentioned = load_mentioned(game, _kept(config, run), warn)
    pattern = config.lock_infosets or ""
    chosen = _chosen(game, pattern)
    player = _whose(config, game, chosen, mentioned)
    infosets = game.player_infosets(player)
    unknown = np.flatnonzero(chosen[player] & ~mentioned[infosets])
    if len(unknown):
        raise GameplanError(
            f"{config.lock} does not say what player {player} plays at infoset {short(game.infoset_names[player][unknown[0]])}, "
            f"one of {len(unknown)} that are to be locked; complete it, or lock others: --lock-infosets PATTERN"
        )
    probability = 1.0 if config.lock_probability is None else config.lock_probability
    return Lock(player, chosen[player], policy[game.player_actions(player)], probability)


def _chosen(game: SequenceGame, pattern: str) -> list[np.ndarray]:
    """Return for every player which of the infosets match."""
    chosen = [np.zeros(count, bool) for count in game.infosets]
    for own, names in zip(chosen, game.infoset_names, strict=True):
        own[list(matching(pattern, names, readable(names)))] = True
    return chosen


def _whose(config: "SolveConfig", game: SequenceGame, chosen: list[np.ndarray], mentioned: np.ndarray) -> int:
    """Return the player whose play is locked: the one who is named, or the only one of whom there is anything to be locked."""
    player, last = config.lock_player, game.players - 1
    if player is not None and not 0 <= player <= last:
        raise UsageError(f"lock_player = {player} is not possible: {config.game} has players 0 to {last}")
    able = [p for p in range(game.players) if chosen[p].any()] if player is None else [player] * bool(chosen[player].any())
    if not able:
        whose, pattern = "" if player is None else f" of player {player}", config.lock_infosets
        if not pattern:
            raise UsageError(f"{config.game} has no infoset{whose}, so nothing can be locked; leave out --lock")
        raise UsageError(f"no infoset{whose} of {config.game} matches {pattern!r}; {_like(game, player or 0)}")
    told = [p for p in able if mentioned[game.player_infosets(p)].any()]
    if len(told) > 1:
        names = " or ".join(map(str, told))
        raise UsageError(f"{config.lock} says what players {names} play; say whose play is locked: --lock-player {names}")
    return (told or able)[0]


def _like(game: SequenceGame, player: int) -> str:
    names = game.infoset_names[player]
    return f"player {player}'s are like {short(readable(names)[0])}" if names else f"player {player} has none"
