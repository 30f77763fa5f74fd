"""Searches stopped anywhere: a plan, a proof that there is none, or the limit that was met, wherever the end of a slice lies."""

import heapq
import json
import random
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from sokoban_twin import Twin

import cli
import planners.budget
import planners.search.portfolio
from games.python_model import PythonModel
from games.random import stream
from games.sokoban.generator import generate
from games.sokoban.levels import parse_levels, read_levels
from games.sokoban.worlds import SokobanWorld
from games.world import Instance
from games.worlds import load_world
from planners.budget import Budget
from planners.catalogue import PLANNERS, find_planner
from planners.episode import play
from planners.status import BUDGET, GIVEN_UP, SOLVED, TIME_LIMIT, UNSOLVABLE

SOLVERS = [name for name in PLANNERS if name not in ("llm", "policy") and getattr(find_planner(name), "solves", False)]
OPTIMAL = ("astar", "idastar")
STUCK = "#######\n#@ $ .#\n#     #\n# $  .#\n#.   $#\n#######\n"  # a box in a corner, others that can be pushed
CASES = Path(__file__).parent / "cases" / "levels"
each = pytest.mark.parametrize("name", SOLVERS)


def planner_of(name):
    """Return the planner, with turns so short that budgets of 50 meet their ends too."""
    return find_planner(name, {"turn": 4} if name == "sokoban-solver" else {})


@cache
def levels():
    """Return small levels with the fewest pushes by the twin, None for those that cannot be solved."""
    found = [generate(seed, 4 + seed % 2, 4, 1 + seed % 2, seed % 3 / 2) for seed in range(5)]
    found += read_levels(CASES / "soko-off-the-goal.xsb")
    found += parse_levels(STUCK) + parse_levels("######\n#@   #\n# $  #\n#  # #\n#  #.#\n######\n")
    return [(level, Twin(level).fewest_pushes()) for level in found]


def test_the_solvers_are_those_of_the_catalogue():
    assert SOLVERS == ["astar", "wastar", "greedy-best-first", "idastar", "sokoban-solver"]
    assert {fewest is None for _, fewest in levels()} == {True, False} and {fewest for _, fewest in levels()} > {1, 3}


@pytest.mark.slow  # to compile
@each
def test_every_budget_gives_the_truth_or_the_limit(name):
    planner = planner_of(name)
    for deadlocks in ("off", "freeze"):
        for number, (level, fewest) in enumerate(levels()):
            instance = SokobanWorld("test", [level], deadlocks=deadlocks, horizon=1000).instance(0)
            told = None
            for budget in range(1, 51):
                for limits in (Budget(expansions=budget), Budget(units=budget), Budget(seconds=60.0, expansions=budget)):
                    planner.begin(instance, stream("x"))
                    decision = planner.decide(instance.start, None, limits)
                    status = SOLVED if decision.action is not None else decision.status
                    assert status in ((BUDGET, SOLVED) if fewest is not None else (BUDGET, UNSOLVABLE)), (number, budget, limits)
                    assert told is None or status == told  # more never hurts
                    assert decision.units == decision.cost[1] <= budget
                    if status == SOLVED and name in OPTIMAL:
                        assert len(decision.line) == fewest
                if status != BUDGET and told is None:
                    told = status
                    planner.begin(instance, stream("x"))
                    again = planner.decide(instance.start, None, Budget(units=decision.units))
                    assert (again.line, again.status) == (decision.line, decision.status)  # as many as were used suffice


@pytest.mark.slow  # to compile
@each
@pytest.mark.parametrize("longest", [1, 2, 3, 5, 8])
def test_the_clock_may_strike_anywhere(name, longest, monkeypatch):
    monkeypatch.setattr(planners.budget, "LONGEST_SLICE", longest)
    planner = planner_of(name)
    for number, (level, fewest) in enumerate(levels()):
        instance = SokobanWorld("test", [level], deadlocks="off", horizon=1000).instance(0)
        planner.begin(instance, stream("x"))
        whole = planner.decide(instance.start, None, Budget())
        assert whole.status == UNSOLVABLE if fewest is None else whole.line
        for limits in (Budget(seconds=60.0), Budget(seconds=60.0, units=whole.units)):
            planner.begin(instance, stream("x"))
            timed = planner.decide(instance.start, None, limits)
            assert (timed.line, timed.status, timed.units) == (whole.line, whole.status, whole.units), number
    planner.begin(instance, stream("x"))
    assert planner.decide(instance.start, None, Budget(seconds=1e-9)).status == TIME_LIMIT


class Digraph:
    """A random graph with costs and no lower bounds: goals, dead ends, loops, ways of equal cost."""

    def __init__(self, seed):
        rng = random.Random(seed)
        self.edges = {s: {t: rng.choice((1.0, 1.0, 2.5)) for t in rng.sample(range(9), rng.randint(0, 2))} for s in range(9)}
        self.goals = {8} if seed % 3 else {7, 8}

    def legal(self, node):
        return [] if node in self.goals else sorted(self.edges[node])

    def step(self, node, action):
        return action, 0.0

    def goal(self, node):
        return node in self.goals

    def cost(self, node, action):
        return self.edges[node][action]

    def cheapest(self):
        seen, queue = set(), [(0.0, 0)]
        while queue:
            g, node = heapq.heappop(queue)
            if node in self.goals:
                return g
            if node not in seen:
                seen.add(node)
                for target, price in self.edges[node].items():
                    heapq.heappush(queue, (g + price, target))
        return None


@each
def test_graphs_of_which_everything_is_known(name):
    planner, kinds = planner_of(name), set()
    for seed in range(12):
        graph = Digraph(seed)
        model, cheapest = PythonModel(graph, actions=2), graph.cheapest()
        instance = Instance("graph", seed, model, model.state(0))
        for budget in (1, 2, 3, 5, 8, 13, 30):
            planner.begin(instance, stream("x"))
            decision = planner.decide(instance.start, None, Budget(expansions=budget))
            status = SOLVED if decision.action is not None else decision.status
            assert status in ((BUDGET, SOLVED) if cheapest is not None else (BUDGET, UNSOLVABLE)), (seed, budget)
            if status == SOLVED and name in OPTIMAL:
                path = [0, *(model.action(a) for a in decision.line)]
                assert sum(graph.edges[a][b] for a, b in pairwise(path)) == pytest.approx(cheapest)
        kinds.add(status)
    assert {SOLVED, UNSOLVABLE} <= kinds


@each
def test_nothing_is_left_to_do_at_a_goal_and_nothing_can_be_done_without_an_action(name):
    planner, graph = planner_of(name), Digraph(1)
    graph.edges[0] = {}
    model = PythonModel(graph, actions=2)
    for node, status in ((8, SOLVED), (0, UNSOLVABLE)):
        instance = Instance("graph", 0, model, model.state(node))
        planner.begin(instance, stream("x"))
        decision = planner.decide(instance.start, None, Budget())
        assert (decision.action, decision.status) == (None, status)
        assert play(instance, planner, Budget()).status == status


@pytest.mark.slow  # to compile
@pytest.mark.parametrize(
    ("name", "params", "note"),
    [
        ("idastar", {"depth": 2}, "depth"),
        ("idastar", {"expansions": 3}, "own limit"),
        ("astar", {"memory": 1}, "memory"),
        ("sokoban-solver", {"memory": 2, "turn": 1000}, "memory"),
    ],
)
def test_bounds_of_a_planner_prove_nothing(name, params, note, monkeypatch):
    first = planners.search.portfolio.ASTAR
    monkeypatch.setattr(planners.search.portfolio, "FORWARDS", (first, first._replace(name="again")))  # both meet the limit
    level = generate(4, 9, 9, 4, 1.0) if "memory" in params else generate(3, 8, 8, 4, 1.0)
    minimise = "moves" if "memory" in params else "pushes"
    episode = play(SokobanWorld("test", [level], minimise=minimise).instance(0), find_planner(name, params), Budget())
    assert episode.status == GIVEN_UP and note in episode.note


def gameplan(*arguments):
    return CliRunner().invoke(cli.cli, [str(a) for a in arguments], standalone_mode=False)


@pytest.mark.slow  # compiles every planner that searches
def test_the_verdict_is_told_in_records_tables_and_exit_codes(tmp_path):
    file = tmp_path / "levels.xsb"
    file.write_text("".join((CASES / f"soko-{name}.xsb").read_text() + "\n\n" for name in ("off-the-goal", "corner")))
    file.write_text(file.read_text() + "\n" + STUCK)
    arguments = ("plan", "sokoban", "--levels", file, "--planner", "idastar", "--world", "deadlocks=off")
    result = gameplan(*arguments, "--time-limit", "10s", "--out", tmp_path / "run", "--json")
    record = json.loads(result.stdout)
    assert result.return_value == 3 and record["statuses"] == {SOLVED: 1, UNSOLVABLE: 2} and record["solutions_sought"]
    assert [line["status"] for line in record["episodes"]] == [SOLVED, UNSOLVABLE, UNSOLVABLE]
    assert (record["episodes"][0]["pushes"], record["episodes"][0]["moves"]) == (3, 12)
    assert "unsolvable (exhausted after" in gameplan("replay", tmp_path / "run", "--episode", 2).stdout
    text = gameplan(*arguments, "--out", tmp_path / "text").stdout.splitlines()
    assert [" ".join(line.split()) for line in text if line.startswith(("solved", "ended"))] == [
        "solved 1 of 3 (95 % interval 6.1 to 79.2 %)", "ended 2 unsolvable",
    ]  # fmt: skip
    assert gameplan(*arguments, "--world", "range=1", "--out", tmp_path / "one").return_value == 0
    assert gameplan("plan", "--repeat", tmp_path / "run", "--out", tmp_path / "again").return_value == 3
    assert (tmp_path / "run" / "episodes.jsonl").read_bytes() == (tmp_path / "again" / "episodes.jsonl").read_bytes()
    played = gameplan("plan", "sokoban", "--levels", file, "--planner", "random", "--steps", 2, "--out", tmp_path / "random")
    assert played.return_value == 0  # it was asked to play
    compared = ("compare", "sokoban", "--planners", "astar", "--world", f"levels={file}", "--world", "deadlocks=off")
    assert gameplan(*compared, "--budgets", "1,50", "--budget-unit", "expansions", "--out", tmp_path / "c").return_value == 0
    table = (tmp_path / "c" / "table.md").read_text()
    assert "sokoban astar 50: 2 unsolvable" in table and "sokoban astar 1: 2 unsolvable, 1 budget" in table


def test_fewest_moves_are_not_fewest_pushes():
    (level,) = read_levels(CASES / "soko-moves-against-pushes.xsb")
    for name in OPTIMAL:
        for minimise, pushes, moves in (("pushes-moves", 5, 28), ("moves", 7, 20)):
            world = SokobanWorld("test", [level], minimise=minimise)
            episode = play(world.instance(0), find_planner(name), Budget(seconds=60.0))
            found = world.outcome(episode.instance, episode.states, episode.actions, episode.rewards)
            assert (found["pushes"], found["moves"]) == (pushes, moves)


def test_an_episode_that_the_clock_ended_is_repeated(tmp_path):
    settings = ("plan", "2048-2x2", "--planner", "flat", "--set", "rollouts=1", "--episodes", 2)
    assert gameplan(*settings, "--time-limit", "1us", "--out", tmp_path / "timed").return_value == 0
    assert gameplan("plan", "--repeat", tmp_path / "timed", "--out", tmp_path / "again").return_value == 0
    timed, again = ((tmp_path / name / "episodes.jsonl").read_bytes() for name in ("timed", "again"))
    assert timed == again and json.loads(timed.splitlines()[0])["status"] == TIME_LIMIT
    world = load_world("sokoban", {"levels": str(CASES / "soko-off-the-goal.xsb")})
    cut = play(world.instance(0), find_planner("astar"), Budget(seconds=1e-9))
    again = play(world.instance(0), find_planner("astar"), [Budget(seconds=1e-9).repeated(cut.decisions[0].units)])
    assert cut.status == again.status == TIME_LIMIT and cut.cost.tolist() == again.cost.tolist()
