"""Looking into a PSRO run: its meta-game, its meta-strategies, who answers whom."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from games.errors import GameplanError, UsageError
from games.sequence_form import SequenceGame
from solvers.exploitability import Evaluator
from solvers.plans import policy_of
from solvers.psro.maximin import maximin
from solvers.psro.payoffs import Payoffs
from solvers.psro.solver import population_exploitability
from workbench.comparison.curves import FLOOR
from workbench.figures.frame import PLAIN, Look, check_format, count_along, save_figure
from workbench.figures.style import COLOURS, DIVERGING, MARKERS, SEQUENTIAL, part_colour
from workbench.runs.arrays import read_arrays
from workbench.runs.directory import METRICS, RunDirectory
from workbench.runs.formats import POPULATION
from workbench.solving.config import SolveConfig, saved_config
from workbench.solving.run import load_played

FILE = "population.npz"
GRAPH_POLICIES = 4  # of every player in the response graph: those that the eval mixture plays most
_NONE = np.empty(0)


class Population:
    """The populations and meta-strategies of a PSRO run.

    Parameters
    ----------
    path : Path
        Where it is, for messages.
    config : SolveConfig
        Resolved.
    game : SequenceGame
        What was solved: with a lock the game that is left.
    arrays : mapping
        What the solver keeps (``population.npz``): plans and evaluation weights by player.
    lines : list of dict
        The metrics of the run.

    Raises
    ------
    GameplanError
        If these do not belong together.
    """

    def __init__(
        self, path: Path, config: SolveConfig, game: SequenceGame, arrays: Mapping[str, np.ndarray], lines: list[dict[str, Any]]
    ) -> None:
        self.path, self.config, self.game, self.lines = path, config, game, lines
        self.plans = [arrays.get(f"plans_{p}", _NONE) for p in range(game.players)]
        self.eval = [arrays.get(f"eval_{p}", _NONE) for p in range(game.players)]
        if not lines:
            raise GameplanError(f"{path / METRICS} is empty or not there; resume the run, or run it again")
        self._check(path / FILE)

    @classmethod
    def open(cls, path: Path) -> "Population":
        """Return the population of the finished run in the directory `path`.

        Raises
        ------
        UsageError
            If it holds no finished PSRO run.
        """
        run = RunDirectory.open(path)
        config = saved_config(run)
        if not run.holds(FILE):
            raise UsageError(f"{path} is no finished PSRO run: it has no {FILE}")
        game, lines = load_played(config, run).solved, run.read_lines(METRICS)
        policies = max((len(weights) for line in lines for weights in line.get("train", ())), default=0)
        most = 16 * (policies + 1) * (max(game.actions) + 1)
        return cls(path, config, game, read_arrays(path / FILE, lambda name: most), lines)

    def _check(self, file: Path) -> None:
        """Check that the arrays are policies of the game, and the lines mixtures of them."""
        counts = [len(plans) for plans in self.plans]
        shapes = [(count, n + 1) for count, n in zip(counts, self.game.actions, strict=True)]
        good = all(plans.shape == shape and np.isfinite(plans).all() for plans, shape in zip(self.plans, shapes, strict=True))
        weighed = zip(self.eval, counts, strict=True)
        if not good or not min(counts) or not all(w.shape == (count,) and np.isfinite(w).all() for w, count in weighed):
            raise GameplanError(f"{file} holds no policies of {self.config.game} with weights; run it again")
        before = [1] * self.game.players
        for number, line in enumerate(self.lines, 1):
            sizes = [[len(weights) for weights in line.get(role, ())] for role in ("train", "eval")]
            grown = len(sizes[0]) == len(counts) and all(a <= n <= b for a, n, b in zip(before, sizes[0], counts, strict=True))
            if not grown or sizes[0] != sizes[1] or "support" not in line:
                what = "support, train and eval weights of each player's policies"
                raise GameplanError(f"{self.path / METRICS}, line {number}: has no {what}; resume the run, or run it again")
            before = sizes[0]

    def meta_game(self) -> np.ndarray:
        """Return player 0's payoffs by own and player 1's policy, all further players playing their eval mixtures (K, K)."""
        payoffs = Payoffs.of(self.game, self.plans)
        strategies = list(self.eval)
        columns = []
        for pure in np.eye(len(self.plans[1])) if self.game.players > 1 else [None]:
            if pure is not None:
                strategies[1] = pure
            columns.append(payoffs.vector(0, strategies))
        return np.stack(columns, axis=1)

    def nash_average(self) -> list[np.ndarray]:
        """Return how good each policy of players 0 and 1 is against an equilibrium of the meta-game of the two (K each).

        Only such payoffs tell apart policies that are all beaten by some (Balduzzi et al. 2018, Nash averaging). Where the game is
        not constant-sum, or has further players, the other's eval mixture takes the place of the equilibrium.
        """
        table = self.meta_game()
        if self.game.players == 2 and self.game.constant_sum is not None:
            row, column = maximin(table), maximin(-table.T)
        else:
            row, column = self.eval[0], self.eval[1] if self.game.players > 1 else np.ones(1)
        return [table @ column, -(row @ table)]

    def mixtures(self) -> list[dict[str, Any]]:
        """Return iteration, support sizes and the exploitability of mixtures, per evaluated line.

        "eval", "train", "uniform", and "population" of the least exploitable mixtures there are, None where that is not defined, or
        was not measured: it is for the last line in any case.
        """
        evaluator = Evaluator(self.game)
        rows = []
        for line in self.lines:
            train = [np.array(s) for s in line["train"]]
            rows.append({
                "iteration": line["iteration"],
                "support": line["support"],
                "eval": line["exploitability"],
                "train": self._exploitability(evaluator, train),
                "uniform": self._exploitability(evaluator, [np.full(len(s), 1.0 / len(s)) for s in train]),
                "population": line.get(POPULATION),
            })  # fmt: skip
        if rows[-1]["population"] is None and self.game.players == 2 and self.game.constant_sum is not None:
            sizes = [len(s) for s in self.lines[-1]["train"]]
            last = Payoffs.of(self.game, [plans[:n] for plans, n in zip(self.plans, sizes, strict=True)])
            rows[-1]["population"] = population_exploitability(last)
        return rows

    def response_graph(self) -> "nx.DiGraph":
        """Return the graph of best single deviations between joint policies, of the policies that are played most.

        Nodes are tuples of policy numbers; an edge goes to the joint policy in which one player has moved to its best policy, if
        that gains anything; ``weight`` is the gain and ``player`` who moved. A node has its ``mass`` in the eval mixtures.
        """
        keep = [np.sort(np.argsort(-weights, kind="stable")[:GRAPH_POLICIES]) for weights in self.eval]
        payoffs = Payoffs(self.game)
        size = min(len(k) for k in keep)
        for n in range(size):
            payoffs.extend([plans[k[n]] for plans, k in zip(self.plans, keep, strict=True)])
        tensors = [payoffs.tensor(p) for p in range(self.game.players)]
        graph = nx.DiGraph()
        for joint in np.ndindex(tensors[0].shape):
            name = tuple(int(k[i]) for k, i in zip(keep, joint, strict=True))
            graph.add_node(name, mass=float(np.prod([weights[n] for weights, n in zip(self.eval, name, strict=True)])))
            for player, tensor in enumerate(tensors):
                line = tensor[joint[:player] + (slice(None),) + joint[player + 1 :]]
                best = int(np.argmax(line))
                gain = float(line[best] - line[joint[player]])
                if gain > 1e-9:
                    target = name[:player] + (int(keep[player][best]),) + name[player + 1 :]
                    graph.add_edge(name, target, weight=gain, player=player)
        return graph

    def _exploitability(self, evaluator: Evaluator, strategies: list[np.ndarray]) -> float:
        parts = [policy_of(self.game, p, w @ self.plans[p][: len(w)]) for p, w in enumerate(strategies)]
        return evaluator(np.concatenate(parts)).exploitability


def draw_population(population: Population, path: Path | None, rows: list[dict[str, Any]], *, look: Look = PLAIN) -> Figure:
    """Return the figure of meta-game, meta-strategy, supports, exploitabilities and response graph.

    It is written to `path` (PNG, SVG or PDF), unless that is None.

    Raises
    ------
    UsageError
        For another kind of file.
    GameplanError
        If it cannot be written.
    """
    if path is not None:
        check_format(path.suffix)
    with look.context():
        figure = Figure(figsize=(look.width or 8.4, 5.4), layout="constrained")
        grid = figure.add_gridspec(2, 6)
        _draw_meta_game(figure, figure.add_subplot(grid[0, :2]), population)
        _draw_strategy(figure, figure.add_subplot(grid[0, 2:4]), population)
        _draw_graph(figure.add_subplot(grid[0, 4:]), population)
        _draw_exploitability(figure.add_subplot(grid[1, :3]), rows)
        _draw_support(figure.add_subplot(grid[1, 3:]), rows)
        title = f"{population.config.game}: train {population.config.train}, eval {population.config.eval}"
        figure.suptitle(look.title or title, fontsize=look.font_size + 1)
        return save_figure(figure, path)


def _draw_meta_game(figure: Figure, panel: Any, population: Population) -> None:
    """Draw the meta-game, the best policies by Nash average first: above and on the left."""
    table = population.meta_game()
    order = [np.argsort(-worth, kind="stable") for worth in population.nash_average()]
    if table.shape[1] == 1:
        order[1] = np.zeros(1, np.int64)
    limit = float(np.abs(table).max()) or 1.0
    image = panel.imshow(table[np.ix_(*order)], cmap=DIVERGING, vmin=-limit, vmax=limit, interpolation="nearest", aspect="auto")
    panel.set(title="payoff of player 0,\nby Nash average", xlabel="policy of player 1", ylabel="policy of player 0")
    for axis, numbers in zip((panel.yaxis, panel.xaxis), order, strict=True):
        places = list(range(0, len(numbers), max(1, -(-len(numbers) // 8))))
        axis.set_ticks(places, [str(numbers[place]) for place in places])
    figure.colorbar(image, ax=panel, shrink=0.9)


def _draw_strategy(figure: Figure, panel: Any, population: Population) -> None:
    lines = population.lines
    table = np.full((max(len(line["eval"][0]) for line in lines), len(lines)), np.nan)
    for column, line in enumerate(lines):
        table[: len(line["eval"][0]), column] = line["eval"][0]
    image = panel.imshow(
        table, cmap=SEQUENTIAL, norm=PowerNorm(0.5, 0.0, 1.0), interpolation="nearest", aspect="auto", origin="lower"
    )
    ticks = list(range(0, len(lines), max(1, len(lines) // 6)))
    panel.set_xticks(ticks, [str(lines[t]["iteration"]) for t in ticks])
    panel.set(title="eval strategy of player 0", xlabel="iteration (as evaluated)", ylabel="policy")
    count_along(panel.yaxis)
    figure.colorbar(image, ax=panel, shrink=0.9)


def _draw_exploitability(panel: Any, rows: list[dict[str, Any]]) -> None:
    for index, kind in enumerate(("eval", "train", "uniform", "population")):
        known = [(row["iteration"], max(row[kind], FLOOR)) for row in rows if row[kind] is not None]
        n, values = zip(*known, strict=True) if known else ((), ())
        label = kind if known else None
        panel.plot(n, values, color=COLOURS[index], marker=MARKERS[index], markersize=3, linewidth=1.0, label=label)
    panel.set(title="exploitability of the mixtures", xlabel="iteration", xscale="log", yscale="log")
    count_along(panel.xaxis)
    panel.grid(True, linewidth=0.3, alpha=0.6)
    panel.legend(frameon=False)


def _draw_support(panel: Any, rows: list[dict[str, Any]]) -> None:
    n = [row["iteration"] for row in rows]
    for player in range(len(rows[0]["support"])):
        values = [row["support"][player] for row in rows]
        panel.plot(n, values, color=part_colour(player), marker="o", markersize=3, linewidth=1.0, label=f"player {player}")
    panel.set(title="policies in the eval support", xlabel="iteration", ylabel="policies")
    count_along(panel.xaxis, panel.yaxis)
    panel.grid(True, linewidth=0.3, alpha=0.6)
    panel.legend(frameon=False)


def _draw_graph(panel: Any, population: Population) -> None:
    panel.set_axis_off()
    if population.game.players > 3:
        panel.text(0.5, 0.5, "too many joint policies to draw", ha="center", transform=panel.transAxes)
        return
    graph = population.response_graph()
    layout = nx.circular_layout(graph)
    masses = np.array([graph.nodes[node]["mass"] for node in graph])
    sizes = 40.0 + 360.0 * masses / (masses.max() or 1.0)
    colours = [part_colour(graph.edges[edge]["player"]) for edge in graph.edges]
    gains = np.array([graph.edges[edge]["weight"] for edge in graph.edges])
    nx.draw_networkx_edges(
        graph, layout, ax=panel, edge_color=colours, width=0.3 + 1.2 * gains / gains.max(initial=1e-300), arrowsize=6,
        node_size=sizes, connectionstyle="arc3,rad=0.08",
    )  # fmt: skip
    nodes = nx.draw_networkx_nodes(
        graph, layout, ax=panel, node_color=masses, cmap="Greys", vmin=0.0, vmax=max(2.0 * float(masses.max()), 1e-12),
        edgecolors="black", node_size=sizes, linewidths=0.5,
    )  # fmt: skip
    nodes.set_label("_joint policies")
    labels = {node: ",".join(map(str, node)) for node in graph}
    nx.draw_networkx_labels(graph, layout, labels, ax=panel, font_size=4.5)
    for player in range(population.game.players):
        panel.plot([], [], color=part_colour(player), linewidth=1.2, label=f"player {player} moves")
    panel.legend(frameon=False, fontsize="x-small", loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=2)
    panel.set_title("best deviations, by eval mass")
    panel.margins(0.12)
