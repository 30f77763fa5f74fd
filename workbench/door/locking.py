"""Locks from Python: a player's play that is given, so that only what is left is solved."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from games.asked import Natural, Place, exact, make_exact
from games.errors import UsageError
from games.loader import load_game
from workbench.door.options import game_name
from workbench.door.policy import Policy
from workbench.solving.policies import UNIFORM
from workbench.views.names import run_or_file


@dataclass(frozen=True)
class Lock:
    """A policy that a player is bound to.

    Attributes
    ----------
    policy : Policy, str or Path
        A `Policy`; a run of ``gameplan solve``, a file (.npz, .json, .csv), or ``"uniform"``.
    player : int, optional
        Whose play it is; None: the one player that the policy is of.
    infosets : str
        Only infosets that contain this are locked, ``*`` stands for anything; empty: all.
    probability : float
        How likely the player is locked; else he is free, which only he sees: the others find the restricted Nash response.
    """

    policy: object
    player: Natural | None = None
    infosets: str = ""
    probability: float = 1.0

    def __post_init__(self) -> None:
        make_exact(self)


@contextmanager
def locked(lock: object, game: object) -> Iterator[dict[str, Any]]:
    """Yield what a configuration says of `lock`, a `Lock` or the policy alone; its file is there while the block runs.

    Raises
    ------
    UsageError
        For what is no policy, or one of another game.
    """
    if lock is None:
        yield {}
        return
    lock = lock if isinstance(lock, Lock) else Lock(lock)
    said = {
        "lock_player": lock.player, "lock_infosets": lock.infosets or None, "lock_probability": lock.probability,
    }  # fmt: skip
    if isinstance(lock.policy, str | Path):
        place: str | Path = exact("lock", lock.policy, Place)
        yield {"lock": str(run_or_file(str(place), ("solve",), lambda: (UNIFORM,))), **said}
        return
    if not isinstance(lock.policy, Policy):
        raise UsageError(f"a lock is a Policy, a run, a file or {UNIFORM!r}, not {type(lock.policy).__name__}; see load_policy")
    if lock.policy.game.key != load_game(game_name(game)).key:
        raise UsageError(f"a policy of {lock.policy.game.name} is none of {game_name(game)}")
    with tempfile.TemporaryDirectory(prefix="gameplan-") as folder:
        file = Path(folder) / "given.npz"
        lock.policy.save(file)
        yield {"lock": str(file), **said}
