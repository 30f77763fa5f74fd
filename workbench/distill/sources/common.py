"""What all sources of positions share: seeds that are held out, and parameters."""

from games.errors import UsageError
from games.params import Value
from workbench.planning.mixture import parse_players

HELD_OUT_SEEDS = 1000  # games 0 to 999 are for tests: data come from others, and never hold a start of theirs
_FIRST = 1 << 40


def seed_of(seed: int, game: int) -> int:
    """Return the seed of game number `game` of the data with this seed; none of those held out."""
    return _FIRST + (seed << 32) + game


def check_common(params: dict[str, Value]) -> None:
    """Check the parameters that all sources have.

    Raises
    ------
    UsageError
        For a value that makes no sense.
    """
    parse_players(str(params["players"]))
    if not 0.0 <= float(params["noise"]) <= 1.0:
        raise UsageError(f"noise={params['noise']} is not possible; it is a share from 0 to 1")
    if int(params["per_game"]) < 1:
        raise UsageError(f"per_game={params['per_game']} is too small; at least 1 is needed")
    if float(params.get("margin", 0.0)) < 0.0:
        raise UsageError(f"margin={params['margin']} is negative; 0 keeps near ties")
