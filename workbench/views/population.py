"""A PSRO run: its mixtures as they went on, and who beats whom in the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.solving.population import Population
from workbench.views.thinning import spread

MOMENTS = 60  # iterations that are shown
POLICIES = 150  # of a player in the meta-game


@dataclass(frozen=True)
class PopulationView:
    """A finished PSRO run.

    Attributes
    ----------
    path, game, train, eval : Path, str
        The run, its game, and its two meta-strategy solvers.
    iterations : sequence of int
        Those that are shown, ascending; in iteration n every player has n policies, unless the train solver answered otherwise.
    mixtures : sequence, by iteration, of the mixtures of all players
        "eval" and "train": weights of the policies.
    exploitability : mapping
        Of the mixtures "eval", "train", "uniform" and, as far as known, "population" (the least exploitable ones), by iteration.
    support : sequence, by iteration, of int a player
        Policies that the eval mixture plays.
    meta_game : (k, k) array
        Payoffs of player 0 by own and player 1's policy, the others playing their eval mixtures; of the first `POLICIES`.
    """

    path: Path
    game: str
    train: str
    eval: str
    iterations: Sequence[int]
    mixtures: dict[str, list[list[list[float]]]]
    exploitability: dict[str, list[float | None]]
    support: Sequence[Sequence[int]]
    meta_game: np.ndarray


def view_population(path: Path) -> PopulationView:
    """Return what can be seen of the population of the PSRO run in the directory `path`.

    Raises
    ------
    UsageError
        If there is none, or it has not ended.
    GameplanError
        If its files are damaged.
    """
    population = Population.open(path)
    population.lines = [population.lines[place] for place in spread(len(population.lines), MOMENTS)]
    rows = population.mixtures()
    return PopulationView(
        path, population.config.game, str(population.config.train), str(population.config.eval),
        [line["iteration"] for line in population.lines],
        {kind: [line[kind] for line in population.lines] for kind in ("eval", "train")},
        {kind: [row[kind] for row in rows] for kind in ("eval", "train", "uniform", "population")},
        [line["support"] for line in population.lines],
        population.meta_game()[:POLICIES, :POLICIES],
    )  # fmt: skip
