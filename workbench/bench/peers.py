"""Other programs that run CFR+ on OpenSpiel games, as far as they are installed."""

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from games.gambit.files import is_game_file

Call = Callable[[], object]


class Peer(NamedTuple):
    """Another program: `make(game)` returns a function that runs one CFR+ iteration, the last field how large a game it bears."""

    name: str
    make: Callable[[Any], Call]
    max_histories: int


def peers() -> list[Peer]:
    """Return the peers that can be imported here."""
    found = [Peer("OpenSpiel C++", _open_spiel_cpp, 500_000), Peer("OpenSpiel Python", _open_spiel_python, 20_000)]
    with contextlib.suppress(ImportError), _elsewhere():
        import LiteEFG.baselines.CFRplus  # noqa: F401

        found.append(Peer("LiteEFG", _liteefg, 500_000))
    return found


def open_game(text: str) -> Any:
    """Return OpenSpiel's game, turn-based; a file of Gambit's as OpenSpiel reads it."""
    import pyspiel

    if is_game_file(text):
        return pyspiel.load_efg_game(Path(text).read_text())
    game = pyspiel.load_game(text)
    return pyspiel.convert_to_turn_based(game) if game.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS else game


def nash_conv(game: Any) -> Call:
    """Return a function that computes NashConv of the uniform policy in OpenSpiel's C++."""
    import pyspiel

    policy = pyspiel.UniformRandomPolicy(game)
    return lambda: pyspiel.nash_conv(game, policy)


def _open_spiel_cpp(game: Any) -> Call:
    import pyspiel

    return pyspiel.CFRPlusSolver(game).evaluate_and_update_policy


def _open_spiel_python(game: Any) -> Call:
    from open_spiel.python.algorithms import cfr

    return cfr.CFRPlusSolver(game).evaluate_and_update_policy


def _liteefg(game: Any) -> Call:
    with _elsewhere():
        import LiteEFG as leg
        from LiteEFG.baselines.CFRplus import graph

        rule = graph()
        environment = leg.OpenSpielEnv(game, traverse_type="Enumerate", regenerate=False)
        environment.set_graph(rule)

    def iterate() -> None:
        rule.update_graph(environment)
        environment.update_strategy(rule.current_strategy())

    return iterate


@contextlib.contextmanager
def _elsewhere() -> Iterator[None]:
    """Give LiteEFG, which prints banners and keeps game files in the home directory, a home of its own and no stdout."""
    home = os.environ.get("HOME")
    with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(io.StringIO()):
        os.environ["HOME"] = directory
        try:
            yield
        finally:
            if home is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = home
