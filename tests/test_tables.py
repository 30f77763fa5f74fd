"""Every table that the product prints, at 60, 80 and 120 columns: nothing lost, and as it was last looked at.

A new call of ``print_table`` needs a case here. After a change that was looked at: ``GAMEPLAN_SNAPSHOTS=write python -m pytest
tests/test_tables.py`` writes the snapshots again.
"""

import ast
import importlib
import os
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from tests.test_layout import check
from tests.toy_discovery import FAST, OVERFIT, SLOW, discovery, executor, folder, here, task  # noqa: F401
from workbench import engines
from workbench.bench import planning_flare
from workbench.comparison import methods
from workbench.terminal import tables
from workbench.terminal.layout import lay_out

TOP = Path(__file__).resolve().parent.parent
SNAPSHOTS = Path(__file__).parent / "snapshots"
WIDTHS = (60, 80, 120)
PRINTERS = ("print_table", "show_table")


def run(*arguments, code=0):
    result = CliRunner().invoke(cli.cli, [str(argument) for argument in arguments], standalone_mode=False, catch_exceptions=False)
    assert result.return_value == code, result.output
    return result


# cases: what prints, by the name of its snapshot


def solving(_):
    run("solve", "kuhn_2p", "--algo", "cfr+", "-n", 100, "--out", "solved")
    run("solve", "kuhn_2p", "--algo", "psro-uniform", "-n", 3, "--out", "populations")
    run("show", "populations")
    run("show", "solved/policy.json")
    run("show", "solved", "--against", "populations", "--rows", "4")
    run("show", "solved", "--sort", "loss", "--rows", "3")
    run("runs", "list", ".")
    run("solve", "kuhn_2p", "--algo", "cfr", "-n", 10, "--out", "other")
    run("runs", "diff", "solved", "other")
    run("best-response", "solved")
    run("value", "kuhn_2p", "solved", "uniform")
    run("value", "kuhn_2p", "solved", "other", "uniform", "solved/policy.json")


def comparing(_):
    arguments = ("-n", 20, "--engine", "threads", "--jobs", 1, "--out", "compared")
    run("compare", "kuhn_2p", "kuhn_3p", "goofspiel_4", "--algos", "cfr,cfr+,lcfr,dcfr,pcfr+,dpcfr+,hs-pcfr+", *arguments)


def planning(_):
    run("plan", "kg-walk", "--planner", "greedy", "--episodes", 4, "--out", "planned")
    run("compare", "kg-walk", "--planners", "greedy,random", "--episodes", 4, "--budgets", "10,100,1000", "--out", "planners")
    run("show", "planners")
    run("critic", "kg-walk", "--rollouts", 8)


def playing_a_language_model(_):
    from workbench.terminal.plan import print_protocol

    shares = {"format_error_rate": 0.025, "illegal_rate": 0.1, "turns": 412.25, "seconds_per_turn": 1.2}
    model = {"player": "llm", "mean": 1234.5, "standard_error": 101.7, "tokens_out_per_turn": 151.2, **shares}
    other = {"player": "flat-critic:rollouts=20", "mean": 2234.0, "standard_error": 99.1, **shares, "format_error_rate": None}
    for row in (model, other):
        row |= {"aborted": 0, "summary": {"largest tiles": "128: 3  256: 10  512: 27"}}
    print_protocol({"name": "proact", "prompts": "our own", "players": [model, other]})


def learning(_):
    from workbench.commands.compare import _tell

    numbers = {"updates": 12345.0, "environment_steps": 1234567.0, "expansions": 7654321.0, "cpu_seconds": 89.0}
    row = {"world": "2048", "method": "step-grpo", "score": 12345.6, "low": 11000.0, "high": 13000.0, "seeds": 5, **numbers}
    rows = [{**row, "method": name, "statuses": {"diverged": k}} for k, name in enumerate(("step-grpo", "mc-ppo", "td", "tc"))]
    _tell(Path("learned"), {"rows": rows}, [], False, methods.table, methods.SPARE)


LISTED = (
    "games.catalogue.GAMES", "games.catalogue.SUITES", "games.worlds.WORLDS", "workbench.catalogue.families.ALGORITHMS",
    "planners.catalogue.PLANNERS", "planners.learning.names.METHODS", "planners.policies.catalogue.KINDS",
)  # fmt: skip
SOME = [
    "kuhn_2p", "goofspiel_5", "liars_dice_6", "matrix_rps", "paper11", "train4", "quick", "2048", "2048-proact", "sokoban-rooms", "kg-walk", "p4",
    "vad-cfr", "hs-pcfr+", "rtcfr+", "last-dcfr", "psro-alpharank", "lp", "qre", "mcts", "flare-wb", "receding-horizon", "sokoban-solver", "oracle",
    "ppo", "mc-grpo", "step-ppo", "tc", "tabular", "ntuple", "mlp", "conv",
]  # fmt: skip


def looking_up(monkeypatch):
    """Of what is listed, some: who adds a rule or a world writes no snapshot."""
    for place in LISTED:
        module, _, table = place.rpartition(".")
        kept = {name: entry for name, entry in getattr(importlib.import_module(module), table).items() if name in SOME}
        assert len(kept) > 2, f"{place} has none of the names that are listed here"
        monkeypatch.setattr(place, kept)
    for arguments in (("games",), ("games", "kg-walk"), ("algos",), ("algos", "vad-cfr"), ("algos", "mcts")):
        run(*arguments)


def looking_after(monkeypatch):
    from workbench import cache_tools

    games = [{"name": f"{name}-0123456789abcdef.npz", "bytes": 1234567 * k} for k, name in enumerate(("kuhn_poker", "leduc_poker"))]
    record = {"path": "/home/somebody/.cache/gameplan", "kernel_bytes": 123456789, "game_bytes": 1234567, "games": games}
    monkeypatch.setattr(cache_tools, "describe_cache", lambda: record)
    run("cache", "info")


def measuring(monkeypatch):
    from workbench.terminal.bench import print_bench, print_bench_planning, print_bench_psro, print_bench_sampling

    monkeypatch.setattr(planning_flare, "ROWS", planning_flare.ROWS[:2])
    run("bench", "flare", "--worlds", "kg-walk", "--seeds", 2, "--instances", 2)
    timing = {"median": 0.01, "low": 0.0099, "high": 0.0105, "ratio": 12.5, "ratio_to_first": 1.25}
    game = {
        "game": "leduc_2p", "histories": 9457, "terminal_rows": 5520, "setup": timing, "cached_load": timing, "setup_per_history": 1e-6,
        "cached_load_share": 0.1, "iteration": {"cfr+": timing, "vad-cfr": timing}, "exploitability": timing,
        "exploitability_in_iterations": 2.5, "bytes_per_row_and_player": 12.0,
        "peers": {"OpenSpiel C++": timing, "LiteEFG": {"reason": "only two players are possible in a game of this kind"}},
    }  # fmt: skip
    print_bench({"clock": timing, "games": [game]})
    algos = {"shor-psro": {"total": 1.0, "per_iteration": 0.1, "ratio": 25.0}, "psro-uniform": {"total": 1.0, "per_iteration": 0.1}}
    print_bench_psro({"iterations": 100, "games": [{"game": "leduc_2p", "algos": algos}]})
    figures = {"per_iteration": 1e-6, "nodes_per_iteration": 44.5, "nodes_per_second": 23.5e6}
    sampled = {"es-mccfr": {**figures, "peer": 1e-4, "ratio": 123.4}, "vr-es-mccfr": figures}
    print_bench_sampling({"games": [{"game": "leduc_2p", "histories": 9457, "algos": sampled}]})
    parts = {"sokoban": {"figures": {"astar by pushes, expansions a second": 1234567.0, "solved": 31}, "calibration": 5e8}}
    row = {
        "planner": "sokoban-solver",
        "levels": 3332,
        "1 s": 3330,
        "10 s": 3332,
        "proven": 3331,
        "known": 3332,
        "longer": 1,
        "cpu": 1.26,
    }
    parts["levels"] = {"figures": {"collections": [{"collection": "boxoban/hard", **row}] * 2}, "calibration": 5e8}
    print_bench_planning({"parts": parts}, lambda figures: list(figures.items()))


def discovering(monkeypatch, request):
    made = {name: request.getfixturevalue(name) for name in ("tmp_path", "task", "folder", "here", "executor")}
    monkeypatch.setattr(engines, "open_engine", lambda *given: nullcontext(made["executor"]))
    programs = [(SLOW, "seed", ()), (FAST, "random", (0,)), (OVERFIT, "random", (1,))]
    path = made["tmp_path"] / "run"
    store, _ = discovery(path, made["folder"], made["task"], programs)
    store.close()
    for verb in ("status", "list", "lineage", "verify", "ablate"):
        run("evolve", verb, path, "--task", made["folder"])
    run(
        "evolve",
        "compare",
        made["folder"],
        "--operators",
        "random",
        "--budget-evals",
        1,
        "--seeds",
        1,
        "--out",
        made["tmp_path"] / "c",
    )


CASES = {
    case.__name__: case
    for case in (
        solving, comparing, planning, playing_a_language_model, learning, looking_up, looking_after, measuring, discovering
    )
}  # fmt: skip


def sites():
    """Return (file, function) of every call that prints a table."""
    found = set()
    for path in (TOP / "workbench").rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef) or function.name in PRINTERS:
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PRINTERS:
                    found.add((path.relative_to(TOP).as_posix(), function.name))
    return found


SEEN: set[tuple[str, str]] = set()


@pytest.fixture
def printed(monkeypatch, tmp_path):
    """Return the (title, table) that are printed from now on, in order; times are the same at every run."""
    found = []
    monkeypatch.chdir(tmp_path)
    for module in ("solve", "plan", "bench", "evolve", "train", "runs"):
        monkeypatch.setattr(importlib.import_module(f"workbench.terminal.{module}"), "format_duration", lambda seconds: "1.23 ms")
    for module in ("planners", "methods"):
        monkeypatch.setattr(importlib.import_module(f"workbench.comparison.{module}"), "format_duration", lambda seconds: "1.23 ms")

    monkeypatch.setattr("workbench.terminal.runs.started", lambda view: "2026-01-02 03:04")

    def show(table, title=None):
        frame = sys._getframe(1)
        while frame.f_code.co_name in PRINTERS:
            frame = frame.f_back
        SEEN.add((Path(frame.f_code.co_filename).relative_to(TOP).as_posix(), frame.f_code.co_name))
        found.append((title, table))

    monkeypatch.setattr(tables, "show_table", show)
    return found


@pytest.mark.parametrize("name", CASES)
def test_tables_hold_at_every_width(name, printed, monkeypatch, request):
    case = CASES[name]
    case(monkeypatch, request) if case is discovering else case(monkeypatch)
    assert printed
    for width in WIDTHS:
        text = "\n".join(f"{title or ''}\n{shown(table, width)}" for title, table in printed)
        path = SNAPSHOTS / f"{name}-{width}.txt"
        if os.environ.get("GAMEPLAN_SNAPSHOTS") == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        assert text == path.read_text(), f"{path.name} is another: look at it; this file says how to write it again"


def shown(table, width):
    text, layout = check(table, width), lay_out(table, width)
    below = [f"{label}  {name}" for label, name in layout.legend]
    below += [f"left out: {', '.join(layout.left_out)}; {table.see} shows everything"] if layout.left_out else []
    return "\n".join([text, *below, ""])


def test_no_table_is_forgotten():
    """Runs after the cases (in one process)."""
    if len(SEEN) and "PYTEST_XDIST_WORKER" not in os.environ:
        assert sites() <= SEEN, f"tables without a case in this file: {sorted(sites() - SEEN)}"


def test_tables_have_one_way_to_a_terminal():
    for path in (TOP / "workbench").rglob("*.py"):
        assert "rich.table" not in path.read_text(), path
