"""Runs are called by a beginning or @last, listed, compared and removed: and nothing that is none."""

import json
import pathlib
import shutil
import sys

import pytest
from click.testing import CliRunner

import cli
from games.errors import GameplanError, UsageError
from workbench.comparison.place import writing
from workbench.own.begin import TASK, write_new
from workbench.pages.report import report
from workbench.runs import directory, locks
from workbench.runs.contents import stranger
from workbench.runs.directory import RunDirectory, default_path
from workbench.runs.formats import digest_of
from workbench.runs.removal import remove
from workbench.solving.config import SolveConfig
from workbench.solving.run import solve
from workbench.views.filters import choose, differences, ordered, parse_since
from workbench.views.names import find_run
from workbench.views.policy import view_run
from workbench.views.removable import LAST, check_removable
from workbench.views.runs import find_runs, look

NAMES = ("2026-01-01-kuhn_2p-cfr-s0", "2026-01-02-kuhn_2p-cfr-s0", "2026-01-03-kuhn_2p-dcfr-s0")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with three runs below ``runs``, by their names one day after the other."""
    top = tmp_path_factory.mktemp("work")
    for name, algo, n in zip(NAMES, ("cfr", "cfr", "dcfr"), (5, 8, 8), strict=True):
        path = top / "runs" / name
        solve(SolveConfig("kuhn_2p", algo, n), RunDirectory.create(path))
        environment = json.loads((path / "environment.json").read_text())
        (path / "environment.json").write_text(json.dumps({**environment, "started": f"{name[:10]}T12:00:00+00:00"}))
    return top


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    """A copy of it, where the test is."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def gameplan(*arguments, code=0, **options):
    result = CliRunner().invoke(cli.cli, [str(a) for a in arguments], standalone_mode=False, **options)
    if code:
        assert result.exception is not None, result.output
        return str(result.exception)
    assert result.exception is None, result.exception
    return result.stdout


def test_a_run_is_called_by_its_path_a_beginning_or_when_it_started(here):
    for text, name in {
        "runs/" + NAMES[0]: NAMES[0], "2026-01-01": NAMES[0], "kuhn_2p-d": NAMES[2], "runs/kuhn_2p-d": NAMES[2], NAMES[1]: NAMES[1],
        "@last": NAMES[2], "@last~1": NAMES[1], "@last~2": NAMES[0],
    }.items():  # fmt: skip
        assert find_run(text).name == name
    for text, said in {
        "kuhn": "3 runs, the newest first: 2026-01-03",
        "kuhn_2p-c": "2 runs",
        "@last~3": "there are 3 runs",
    }.items():
        with pytest.raises(UsageError, match=said):
            find_run(text)
    assert str(find_run("leduc")) == "leduc"  # nothing: the command says what is wrong with it
    assert find_run("kuhn", ["plan"]).name == "kuhn"
    with pytest.raises(UsageError, match="there are 0 runs"):
        find_run("@last", ["plan"])
    (here / "kuhn").mkdir()  # what is there comes first
    assert str(find_run("kuhn")) == "kuhn"


def test_runs_of_one_second_are_in_the_order_in_which_they_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in "zmya":
        solve(SolveConfig("kuhn_2p", "cfr", 1), RunDirectory.create(tmp_path / "runs" / name))
    assert [view.name for view in ordered(find_runs(tmp_path / "runs"), "started")] == list("zmya")
    assert find_run("@last").name == "a" and find_run("@last~1").name == "y"


def test_a_list_is_filtered_ordered_and_says_what_differs(here):
    views = find_runs(here / "runs")
    assert [view.name for view in ordered(views, "started", reverse=True)] == list(NAMES[::-1])
    assert [view.name for view in choose(views, algo="dcfr")] == [NAMES[2]]
    assert len(choose(views, algo="cfr")) == 3 and not choose(views, kinds=["plan"]) and len(choose(views, game="KUHN*p")) == 3
    assert [view.name for view in choose(views, since=parse_since("2026-01-02"))] == list(NAMES[1:])
    assert differences(views) == [{"iterations": 5}, {"iterations": 8}, {}]
    now = views[0].started
    assert (now - parse_since("2d", now)).days == 2
    with pytest.raises(UsageError, match="2026-01-31"):
        parse_since("yesterday")
    listed = json.loads(gameplan("runs", "list", "--json", "--sort", "figure"))["runs"]
    figures = [run["figure"] for run in listed]
    assert figures == sorted(figures) and {"differs", "started", "exploitability", "iterations", "mean"} <= set(listed[0])
    assert "none of the 3 runs" in gameplan("runs", "list", "--kind", "evolve")
    with pytest.raises(UsageError, match="is no directory of runs"):
        find_runs(pathlib.Path("runs", NAMES[0], "config.json"))


def test_two_runs_side_by_side(here):
    record = json.loads(gameplan("runs", "diff", "@last~2", "@last~1", "--json"))
    assert record["settings"] == {"iterations": [5, 8]} and [run["name"] for run in record["runs"]] == list(NAMES[:2])
    assert json.loads(gameplan("runs", "diff", "@last~1", "@last", "--json"))["settings"]["algo"] == ["cfr", "dcfr"]
    assert "two runs" in gameplan("runs", "diff", "@last", code=2)


def test_only_runs_at_rest_are_removed(here):
    runs = here / "runs"
    (here / "thesis").mkdir()
    (here / "thesis/chapter.tex").write_text("...")
    (here / "model").mkdir()
    (here / "model/config.json").write_text('{"layers": 3}')  # somebody else's
    (here / "numbers").mkdir()
    (here / "numbers/table.json").write_text('{"rows": []}')
    (here / "numbers/notes.txt").write_text("...")
    (here / "link").symlink_to(runs / NAMES[0])
    shutil.copytree(runs / NAMES[0], here / "project")  # a run was written into it, once, or somebody keeps notes there
    (here / "project/source").mkdir()
    (here / "project/source/main.py").write_text("...")
    (here / "results/runs").mkdir(parents=True)
    (here / "results/table.json").write_text('{"rows": []}')
    (here / "results/runs/notes.txt").write_text("...")
    for name, said in {
        "thesis": "not a run",
        "model": "not a run",
        "numbers": "notes.txt",
        "link": "link",
        "gone": "no run",
        "project": "source, which no run writes",
        "results": "runs/notes.txt, which no run writes",
    }.items():
        assert said in gameplan("runs", "rm", here / name, "-y", code=2)
    for name in ("project", "model"):  # nor replaced
        with pytest.raises(UsageError, match="--force does not remove"):
            RunDirectory.create(here / name, force=True)
    assert (here / "project/source/main.py").exists() and (here / "model/config.json").exists()
    with locks.writing(runs / NAMES[0]):
        assert "running" in gameplan("runs", "rm", NAMES[1], NAMES[0], "-y", code=2)
    shutil.copytree(runs / NAMES[2], runs / NAMES[1] / "inside")
    assert "holds another run" in gameplan("runs", "rm", NAMES[1], "-y", code=2)
    assert "--yes" in gameplan("runs", "rm", NAMES[0], code=2)
    assert len(list(runs.iterdir())) == 3 and (here / "thesis/chapter.tex").exists() and (here / "model/config.json").exists()
    assert str(runs.relative_to(here) / NAMES[2]) in gameplan("runs", "rm", "@last", "-y")
    assert sorted(path.name for path in runs.iterdir()) == list(NAMES[:2]) and look(runs / NAMES[0]).status == "done"


def test_runs_beside_a_language_models_go_with_it(here):
    path = here / "runs" / NAMES[0]
    shutil.copytree(here / "runs" / NAMES[1], path / "beside/greedy")
    (path / "answers/0a").mkdir(parents=True)
    (path / "beside/notes.txt").write_text("...")
    assert "beside/notes.txt" in gameplan("runs", "rm", NAMES[0], "-y", code=2)
    (path / "beside/notes.txt").unlink()
    gameplan("runs", "rm", NAMES[0], "-y")
    assert not path.exists()


def test_a_comparison_is_one_row_and_goes_as_one(here):
    gameplan("compare", "kuhn_2p", "--algos", "cfr,cfr+", "-n", 5, "--out", "runs/compare-both", "--jobs", 1)
    (view,) = choose(find_runs(here / "runs"), kinds=["compare"])
    assert (view.game, view.algo, view.size, view.status) == ("kuhn_2p", "cfr,cfr+", 2, "done")
    assert len(find_runs(here / "runs")) == 4 and len(find_runs(here / "runs", inner=True)) == 6
    (here / "runs/compare-both/table.json").unlink()  # as before its end
    assert look(here / "runs/compare-both").status == "unfinished" and len(find_runs(here / "runs")) == 4
    gameplan("runs", "rm", "compare", "-y")
    assert not (here / "runs/compare-both").exists()


def test_commands_take_the_last_run_of_their_kind(here):
    gameplan("plan", "2048-2x2", "--planner", "greedy", "--episodes", 1, "--out", "runs/2026-02-02-2048-2x2-greedy-s0", "--json")
    assert json.loads(gameplan("solve", "--resume", "@last", "-n", 9, "--json"))["run"] == f"runs/{NAMES[2]}"
    assert "step" in gameplan("replay", "@last") and "no run directory" not in gameplan("replay", "2048-2x2")
    gameplan("export", "2026-01-01", "policy.csv")
    assert (here / "policy.csv").read_bytes() == (here / "runs" / NAMES[0] / "policy.csv").read_bytes()
    assert "2 runs" in gameplan("solve", "--resume", "kuhn_2p-cfr", code=2)


def test_exploit_takes_a_run_in_place_of_a_game_or_a_file(here):
    of_file = json.loads(gameplan("exploit", "kuhn_2p", f"runs/{NAMES[2]}/policy.npz", "--json"))
    for words in (
        ["@last"],
        [f"runs/{NAMES[2]}"],
        ["kuhn_2p", "@last"],
        ["kuhn_2p", f"runs/{NAMES[2]}"],
        ["kuhn_2p", NAMES[2][:-1]],
    ):
        assert json.loads(gameplan("exploit", *words, "--json")) == of_file, words
    assert "kuhn_2p is the beginning of 3 runs" in gameplan("exploit", "kuhn_2p", code=2)
    assert "leduc_2p is a game; name a policy, too" in gameplan("exploit", "leduc_2p", code=2)
    assert "is a policy file: gameplan exploit GAME" in gameplan("exploit", f"runs/{NAMES[2]}/policy.npz", code=2)
    assert "is not a run directory" in gameplan("exploit", "nothing", code=2)


SLOW = pytest.mark.slow  # they compile


@pytest.mark.parametrize(("arguments", "said"), [
    (("plan", "2048-2x2", "--planner", "greedy", "--episodes", 2), "2 episodes"),
    pytest.param(("train", "2048-2x2", "--method", "td", "-n", 1, "--episodes", 2), "held-out", marks=SLOW),
    (("compare", "kuhn_2p", "--algos", "cfr,lcfr", "-n", 5, "--jobs", 1), "matches or beats"),
    pytest.param(("compare", "2048-2x2", "--planners", "greedy", "--episodes", 2, "--jobs", 1), "own budget", marks=SLOW),
])  # fmt: skip
def test_every_kind_of_run_is_shown(here, arguments, said):
    gameplan(*arguments, "--json", "--out", "runs/compare-this" if arguments[0] == "compare" else "runs/this")
    text = gameplan("show", "@last")
    assert said in text and "started" in text
    assert "--out draws" in gameplan("show", "@last", "--out", "other.svg", code=2) and not (here / "other.svg").exists()
    if arguments[0] == "plan":
        (here / "runs/this/result.json").unlink()
        assert "unfinished" in gameplan("show", "this")


@SLOW
def test_populations_are_shown_and_drawn(here):
    gameplan("solve", "kuhn_2p", "--train", "nash", "-n", 4, "--out", "runs/population", "--json")
    record = json.loads(gameplan("show", "population", "--json", "--infoset", "0pb"))
    assert record["view"]["kind"] == "psro" and len(record["mixtures"]) == 4 and record["policy"]["matching"] == 1
    (row,) = record["policy"]["rows"]
    assert row["names"] == ["Pass", "Bet"] and {"reach", "regret", "values", "probabilities", "after"} <= set(row)
    gameplan("show", "population", "--out", "figure.svg")
    assert (here / "figure.svg").exists() and not (here / "runs/population/population.png").exists()
    old = json.loads(gameplan("psro-show", "population", "--json"))  # as it was
    assert old["command"] == "psro-show" and old["mixtures"] == record["mixtures"]


def test_a_policy_is_shown_by_the_names_of_its_actions(here):
    run = here / "runs" / NAMES[0]
    table = gameplan("show", NAMES[0], "--player", 1, "--sort", "regret", "--rows", 2)
    assert "Pass" in table and "2 of 6 infosets" in table
    assert "no infoset" in gameplan("show", NAMES[0], "--infoset", "9")
    assert "players are 0 to 1" in gameplan("show", NAMES[0], "--player", 2, code=2)
    shown = [
        json.loads(gameplan("show", place, "--json"))["policy"] for place in (NAMES[0], run / "policy.npz", run / "policy.json")
    ]
    assert shown[0]["rows"] == shown[1]["rows"] == shown[2]["rows"] and len(shown[0]["rows"]) == 12
    assert "--game GAME" in gameplan("show", run / "policy.csv", code=2)
    assert gameplan("show", run / "policy.csv", "--game", "kuhn_2p", "--each").count("Bet") == 12
    reach = [row["reach"] for row in json.loads(gameplan("show", NAMES[0], "--json"))["policy"]["rows"]]
    assert reach == sorted(reach, reverse=True)
    hostile = {"game": "universal_poker(filename=secret)", "players": [{}, {}]}
    (here / "hostile.json").write_text(json.dumps(hostile))
    assert "only if you name it" in gameplan("show", "hostile.json", code=2)
    assert "neither a run nor a policy" in gameplan("show", "nothing", code=2)


def test_policies_metrics_and_tables_are_exported_as_columns(here, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    gameplan("export", NAMES[0], "policy.parquet")
    table = parquet.read_table(here / "policy.parquet").to_pydict()
    rows = list(view_run(here / "runs" / NAMES[0]).rows())
    assert table["name"] == [name for row in rows for name in row.names] and len(table["name"]) == 24
    for column, values in {"probability": "probabilities", "regret": "regrets", "value": "values", "action": "actions"}.items():
        assert table[column] == [value for row in rows for value in getattr(row, values)]
    for column in ("reach", "own_reach", "others_reach", "label", "infoset", "player"):
        assert table[column] == [getattr(row, column) for row in rows for _ in row.actions]
    gameplan("export", NAMES[0], "curve.parquet", "--what", "metrics")
    lines = [json.loads(line) for line in (here / "runs" / NAMES[0] / "metrics.jsonl").read_text().splitlines()]
    curve = parquet.read_table(here / "curve.parquet").to_pydict()
    assert curve["exploitability"] == [line["exploitability"] for line in lines] and "seconds" in curve
    assert curve["value_1"] == [line["values"][1] for line in lines]
    gameplan("compare", "kuhn_2p", "--algos", "cfr,lcfr", "-n", 5, "--jobs", 1, "--out", "runs/compare-this")
    gameplan("export", "compare-this", "table.csv")
    assert (here / "table.csv").read_text().splitlines()[0].startswith("game,algorithm,exploitability")
    assert "no finished comparison" in gameplan("export", NAMES[0], "x.csv", "--what", "table", code=2)
    assert "must end in" in gameplan("export", NAMES[0], "x.xls", "--what", "metrics", code=2)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "gameplan[data]" in gameplan("export", NAMES[0], "y.parquet", code=1) and not (here / "y.parquet").exists()


def test_every_file_that_runs_start_with_or_grow_is_known_as_theirs(tmp_path):
    names = [*directory._START, *directory._LINES, directory.TIMING, directory.TURNS, directory.CHECKPOINT, directory.RESULT]
    for name in names:
        (tmp_path / name).touch()
    assert stranger(tmp_path) is None and len(names) > 15
    (tmp_path / "mine.txt").touch()
    assert stranger(tmp_path) == tmp_path / "mine.txt"


def test_files_of_another_kind_of_run_are_damage(here):
    path = here / "runs" / NAMES[0]
    config, result = (json.loads((path / name).read_text()) for name in ("config.json", "result.json"))
    for name, record in {
        "config.json": {**config, "splits": {}, "world": {}},
        "result.json": {**result, "planner": "greedy"},
    }.items():
        before = (path / name).read_text()
        record.pop("digest", None)
        (path / name).write_text(json.dumps(record | ({"digest": digest_of(record)} if name == "result.json" else {})))
        assert look(path).status == ("damaged" if name == "config.json" else "done")  # a result may have what this version has not
        (path / name).write_text(before)
    training = {"schema": 2, "command": "train", "method": "ppo", "score": "high"}
    (path / "result.json").write_text(json.dumps({**training, "digest": digest_of(training)}))
    assert look(path).status == "damaged"
    odd = {**result, "algo": "\ud800"}
    odd.pop("digest")
    (path / "config.json").write_text(json.dumps({**config, "algo": "\ud800"}))
    (path / "result.json").write_text(json.dumps({**odd, "digest": digest_of(odd)}))
    assert "\\ud800" in report(find_runs(here / "runs"), assets="plotly.js")


def test_names_of_directories_are_never_too_long():
    path = default_path(pathlib.Path("runs"), "ü" * 300, "./" + "漢" * 200 + ".py", 0)
    assert len(path.name.encode()) < 150


def test_a_comparison_is_one_from_its_first_moment_and_goes_as_one(tmp_path):
    place = tmp_path / "mine"
    with writing(place):
        seen = look(place)
        assert (seen.kind, seen.status) == ("compare", "running")
    assert not place.exists()  # nothing came into it
    with writing(place):
        solve(SolveConfig("kuhn_2p", "cfr", 5), RunDirectory.create(place / "runs" / "a"))
    assert [view.name for view in find_runs(tmp_path)] == ["mine"]  # which has no table, and no name of ours
    with writing(place):  # going on changes nothing
        pass
    check_removable(place)
    remove(place, LAST)
    assert not place.exists()


def test_what_may_not_be_changed_is_not_removed_and_no_place_is_advised(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    monkeypatch.setattr("workbench.runs.removal.os.access", lambda path, mode: False)
    with pytest.raises(GameplanError, match=r"cannot remove .*run: what is in it may not be changed"):
        remove(tmp_path / "run", ())
    assert (tmp_path / "run").is_dir()


def test_a_task_that_cannot_be_begun_names_its_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GameplanError, match=r"cannot write .*file/mine: Not a directory; choose another place with FOLDER"):
        write_new(tmp_path / "file" / "mine", TASK)
