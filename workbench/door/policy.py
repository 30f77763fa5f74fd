"""Policies of games as Python sees them: exact worth, tables, files, OpenSpiel."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from games.asked import Place, exact
from games.errors import UnknownName, UsageError, did_you_mean
from games.loader import load_game
from games.sequence_form import SequenceGame
from solvers.exploitability import Evaluation, Evaluator, uniform_policy
from solvers.matches import best_responses
from workbench.door.asking import asked
from workbench.door.openspiel import game_of, is_openspiel, table_of, to_cpp, to_python
from workbench.door.options import game_name
from workbench.door.results import MOST_ROWS, Result, Row, html_table
from workbench.runs.directory import CONFIG, RunDirectory
from workbench.solving.config import saved_config
from workbench.solving.policies import UNIFORM, policy_from_tables, policy_table, save_policy
from workbench.solving.policies import load_policy as read_policy
from workbench.solving.run import load_run_game
from workbench.views.names import run_or_file
from workbench.views.policy import PolicyView

if TYPE_CHECKING:
    import pyspiel
    from open_spiel.python.policy import TabularPolicy


class Policy(Result):
    """What every player does in every infoset of a game.

    Attributes
    ----------
    game : SequenceGame
        The compiled game.
    probabilities : (pairs,) float array
        One probability for each (infoset, action) pair of all players, as solvers have them.

    Examples
    --------
    >>> import workbench as gp
    >>> policy = gp.solve("kuhn_2p", "cfr+", n=1000).policy
    >>> {name: round(p, 3) for name, p in policy["0pb"].items()}  # player 0 holds the jack, has passed, and is bet into
    {'Pass': 1.0, 'Bet': 0.0}
    """

    title = "policy"

    def __init__(self, game: SequenceGame, probabilities: np.ndarray) -> None:
        self.game, self.probabilities = game, probabilities

    @cached_property
    def _evaluation(self) -> Evaluation:
        return Evaluator(self.game)(self.probabilities)

    @property
    def exploitability(self) -> float:
        """NashConv divided by the number of players, exact."""
        return self._evaluation.exploitability

    @property
    def nash_conv(self) -> float:
        """What all players together could gain by best responses."""
        return self._evaluation.nash_conv

    @property
    def values(self) -> tuple[float, ...]:
        """The expected utility of each player."""
        return tuple(self._evaluation.values)

    def table(self) -> list[dict[str, dict[str, float]]]:
        """Return a dictionary for each player: infoset -> action -> probability."""
        return policy_table(self.game, self.probabilities)

    def __getitem__(self, infoset: str) -> dict[str, float]:
        if infoset not in self._places:
            raise UnknownName(
                str(infoset), "infoset",
                f"no infoset {infoset!r} in {self.game.name}{did_you_mean(str(infoset), self._places)}; table() has all",
            )  # fmt: skip
        player, number = self._places[infoset]
        row = self.view.row(player, number)
        return dict(zip(row.names, row.probabilities, strict=True))

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        return {name: (p, k) for p, names in enumerate(self.game.infoset_names) for k, name in enumerate(names)}

    @cached_property
    def view(self) -> PolicyView:
        """What can be seen of it: infosets as rows with reach, counterfactual values and regrets, by player and pattern."""
        return PolicyView(self.game, self.probabilities, Path("policy"))

    def facts(self) -> dict[str, str]:
        """Return game and size."""
        return {"": self.game.name, "infosets": f"{sum(self.game.infosets):,}", "players": str(self.game.players)}

    def rows(self) -> Sequence[Row]:
        """Return a row for every (infoset, action) pair: probability, reach of the infoset, counterfactual regret ..."""
        return list(self._rows(None))

    def _rows(self, most: int | None) -> Iterator[Row]:
        for row in self.view.rows(most=most):
            columns = zip(row.actions, row.names, row.probabilities, row.values, row.regrets, strict=True)
            for action, name, probability, value, regret in columns:
                yield {
                    "player": row.player, "infoset": row.infoset, "label": row.label, "action": action, "name": name,
                    "probability": probability, "reach": row.reach, "value": value, "regret": regret,
                }  # fmt: skip

    def _repr_html_(self) -> str:
        shown = ("player", "label", "name", "probability", "reach", "regret")
        rows = [{name: row[name] for name in shown} for row in self._rows(MOST_ROWS)]
        return html_table(f"policy of {self.game.name}", rows, len(self.probabilities))

    def save(self, path: Place) -> None:
        """Write it to a file: .npz, .json or .csv.

        Raises
        ------
        UsageError
            For another kind of file.
        GameplanError
            If it cannot be written.
        """
        save_policy(self.game, self.probabilities, Path(path))

    def best_response(self, player: int | None = None) -> "Policy":
        """Return it with a best response to it as the player's part; None: every player's, each to the others as they were.

        Raises
        ------
        UsageError
            If there is no such player.
        """
        if player is not None and player not in range(self.game.players):
            raise UsageError(f"player = {player} is not possible: {self.game.name} has players 0 to {self.game.players - 1}")
        return Policy(self.game, best_responses(self.game, self.probabilities, player))

    def to_openspiel(self) -> "TabularPolicy":
        """Return it as ``open_spiel.python.policy.TabularPolicy`` (of the turn-based game).

        OpenSpiel lists all states for that, which takes minutes for large games; `to_pyspiel` does not.

        Raises
        ------
        UsageError
            For a game that was read from a file.
        """
        return to_python(self.game, self.probabilities)

    def to_pyspiel(self) -> "pyspiel.TabularPolicy":
        """Return it as ``pyspiel.TabularPolicy``; errors are those of `to_openspiel`."""
        return to_cpp(self.game, self.probabilities)


@asked
def load_policy(source: object, game: object = None) -> Policy:
    """Return a policy from a run, a file, a table, or OpenSpiel.

    Parameters
    ----------
    source : str, Path, Policy, array, mapping, or OpenSpiel policy
        A run of ``gameplan solve``: its directory, a beginning of its name that no other's has, or ``"@last"``; a file (.npz,
        .json, .csv); ``"uniform"``; probabilities of all (infoset, action) pairs; a table
        infoset -> action -> probability; or any policy of pyspiel's or of OpenSpiel's Python, which is asked in every infoset.
    game : str, SequenceGame or pyspiel.Game, optional
        What it is played in; a run and some policies of OpenSpiel's know that themselves.

    Returns
    -------
    Policy
        Infosets that the source does not mention are played uniformly, with a warning.

    Raises
    ------
    UsageError
        If the game is not known, or the file is not there.
    GameplanError
        If it is no policy of the game.

    Examples
    --------
    >>> import workbench as gp
    >>> policy = gp.solve("kuhn_2p", "cfr+", n=1000).policy
    >>> gp.load_policy(policy.table()[0] | policy.table()[1], game="kuhn_2p").exploitability < 1e-3
    True
    """
    if isinstance(source, Policy):
        return source
    if isinstance(source, str) and source == UNIFORM:
        compiled = _compiled(game, source)
        return Policy(compiled, uniform_policy(compiled))
    if isinstance(source, str | Path):
        place: str | Path = exact("source", source, Place)
        path = Path(run_or_file(place, ("solve",))) if isinstance(place, str) else place
        if path.is_dir() or (path / CONFIG).exists() or (game is None and not path.is_file()):
            return _of_run(RunDirectory.open(path))
        compiled = _compiled(game, source)
        return Policy(compiled, _told(*read_policy(compiled, path, warnings.warn), path))
    compiled = _compiled(game, source)
    if isinstance(source, np.ndarray):
        _check_shape(compiled, source)
        return Policy(compiled, _told(*policy_from_tables(compiled, "the array", _tables_of(compiled, source), warnings.warn)))
    table: Mapping[str, Any] | None = None
    if is_openspiel(source):
        table = table_of(source, compiled)
    elif isinstance(source, Mapping):
        table = source
    if table is None:
        raise UsageError(f"a policy is a run, a file, an array, a table or one of OpenSpiel's, not {type(source).__name__}")
    return Policy(compiled, _told(*policy_from_tables(compiled, "the table", [table], warnings.warn)))


def _of_run(run: RunDirectory) -> Policy:
    game = load_run_game(saved_config(run), run)
    return Policy(game, read_policy(game, run.path / "policy.npz", warnings.warn)[0])


def _compiled(game: object, source: object) -> SequenceGame:
    if isinstance(game, SequenceGame):
        return game
    name = game_name(game) if game is not None else game_of(source) if is_openspiel(source) else None
    if name is None:
        raise UsageError("a policy alone does not say what it is of: name the game, load_policy(source, game='leduc_2p')")
    return load_game(name)


def _tables_of(game: SequenceGame, policy: np.ndarray) -> list[dict[str, dict[str, float]]]:
    return policy_table(game, policy.astype(np.float64))


def _check_shape(game: SequenceGame, policy: np.ndarray) -> None:
    if policy.shape != game.action_ids.shape:
        raise UsageError(f"an array of shape {policy.shape} is no policy of {game.name}, which has {game.action_ids.shape}")


def _told(policy: np.ndarray, missing: int, where: object = "the source") -> np.ndarray:
    if missing:
        warnings.warn(f"{where} does not mention {missing} infosets; they are played uniformly", stacklevel=3)
    return policy
