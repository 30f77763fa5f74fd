"""The command line as a user meets it: help, answers as JSON, usage errors, domain errors, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent


def gameplan(*arguments: object, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command in `cwd` and check its exit code."""
    result = subprocess.run(
        [sys.executable, "-m", "cli", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(TOP), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == code, f"exit code {result.returncode}, not {code}\n{result.stdout}\n{result.stderr}"
    assert "Traceback" not in result.stderr
    return result


COMMANDS = (
    ["psro-show"], ["runs", "list"], ["cache", "info"], ["cache", "clear"], ["bench", "cfr"], ["bench", "psro"], ["bench", "planning"], ["bench", "flare"],
    ["evolve", "new"], ["evolve", "run"], ["evolve", "resume"], ["evolve", "import"], ["evolve", "status"], ["evolve", "best"],
    ["evolve", "list"], ["evolve", "show"], ["evolve", "diff"], ["evolve", "lineage"], ["evolve", "export"], ["evolve", "verify"], ["evolve", "ablate"], ["evolve", "compare"], ["evolve", "report"],
)  # fmt: skip


def test_every_command_has_help(tmp_path):
    from click.testing import CliRunner

    import cli

    for command in [[], *([name] for name in cli.COMMANDS), *COMMANDS]:
        result = CliRunner().invoke(cli.cli, [*command, "--help"])
        assert result.exit_code == 0 and "Usage:" in result.output, command


def test_help_imports_nothing_heavy(tmp_path):
    code = "import sys, cli; from click.testing import CliRunner; CliRunner().invoke(cli.cli, ['solve', '--help']); print(sorted(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    for module in ("numba", "numpy", "pyspiel", "matplotlib", "scipy", "rich"):
        assert f"'{module}'" not in result.stdout


def test_solve_prints_the_saved_record(tmp_path):
    record = json.loads(gameplan("solve", "kuhn_2p", "--algo", "cfr+", "-n", 100, "--out", "run", "--json", cwd=tmp_path).stdout)
    for key in [
        "schema",
        "command",
        "game",
        "algo",
        "iterations",
        "exploitability",
        "nash_conv",
        "values",
        "seconds",
        "status",
        "run",
    ]:
        assert key in record
    assert record["exploitability"] == pytest.approx(0.001194404101, rel=1e-7)
    assert record["nash_conv"] == pytest.approx(2 * record["exploitability"])
    assert json.loads((tmp_path / "run/result.json").read_text()) == record
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "config.json", "environment.json", "metrics.jsonl", "timing.jsonl", "checkpoint.safetensors", "result.json",
        "policy.npz", "policy.json", "policy.csv",
    }  # fmt: skip
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in lines][:10] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] and lines[-1]["iteration"] == 100
    assert all(set(line) == {"iteration", "exploitability", "nash_conv", "values"} for line in lines)


@pytest.mark.slow
def test_exploit_agrees_with_the_run_for_every_kind_of_policy_file(tmp_path):
    run = json.loads(gameplan("solve", "goofspiel_4", "--algo", "dcfr", "-n", 30, "--out", "run", "--json", cwd=tmp_path).stdout)
    for kind in ("npz", "json", "csv"):
        record = json.loads(gameplan("exploit", "goofspiel_4", f"run/policy.{kind}", "--json", cwd=tmp_path).stdout)
        assert record["exploitability"] == pytest.approx(run["exploitability"], abs=1e-15)
    gameplan("export", "run", "stripped.json", "--stripped", cwd=tmp_path)
    assert "Current player" not in (tmp_path / "stripped.json").read_text()
    record = json.loads(gameplan("exploit", "goofspiel_4", "stripped.json", "--json", cwd=tmp_path).stdout)
    assert record["exploitability"] == pytest.approx(run["exploitability"], abs=1e-15)


def test_lp_gives_kuhns_value(tmp_path):
    record = json.loads(gameplan("solve", "kuhn_2p", "--algo", "lp", "--out", "run", "--json", cwd=tmp_path).stdout)
    assert record["values"][0] == pytest.approx(-1 / 18, abs=1e-12) and record["exploitability"] < 1e-12


def test_target_decides_the_exit_code(tmp_path):
    common = ("solve", "kuhn_2p", "--algo", "pcfr+", "--json")
    met = json.loads(gameplan(*common, "--target", 1e-4, "--out", "met", cwd=tmp_path).stdout)
    assert met["status"] == "target reached" and met["exploitability"] <= 1e-4 and met["iterations"] < 1000
    missed = json.loads(gameplan(*common, "--target", 1e-12, "-n", 20, "--out", "missed", cwd=tmp_path, code=3).stdout)
    assert missed["status"] == "target missed" and missed["iterations"] == 20


def test_time_limit_ends_the_run_and_evaluates_its_last_iteration(tmp_path):
    arguments = ("solve", "leduc_2p", "--algo", "cfr+", "-n", 10**9, "--time-limit", "300ms", "--out", "run", "--json")
    record = json.loads(gameplan(*arguments, cwd=tmp_path).stdout)
    assert record["status"] == "time limit" and 0.3 <= record["seconds"] < 5
    last = json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[-1])
    assert last["iteration"] == record["iterations"] and last["exploitability"] == record["exploitability"]


USAGE = {
    "unknown game": (["solve", "kuhn_pokr"], "did you mean 'kuhn_poker'"),
    "unknown algorithm": (["solve", "kuhn_2p", "--algo", "vadcfr"], "did you mean 'vad-cfr'"),
    "unknown parameter": (["solve", "kuhn_2p", "--algo", "dcfr", "--set", "alfa=1"], "did you mean 'alpha'"),
    "ill-typed parameter": (["solve", "kuhn_2p", "--algo", "dcfr", "--set", "alpha=fast"], "alpha=fast is not a number"),
    "not a pair": (["solve", "kuhn_2p", "--set", "alpha"], "name=value"),
    "illegal choice": (["solve", "kuhn_2p", "--set", "scope=globl"], "did you mean 'global'"),
    "duration without unit": (["solve", "kuhn_2p", "--time-limit", "10"], "10s"),
    "no iterations": (["solve", "kuhn_2p", "-n", "0"], "0"),
    "no game": (["solve"], "name a game"),
    "suite as a game": (["solve", "paper11"], "suite"),
    "missing rule file": (["solve", "kuhn_2p", "--algo", "./none.py"], "none.py"),
    "unknown command": (["sovle"], "did you mean 'solve'"),
    "unknown option": (["solve", "kuhn_2p", "--itrations", "3"], "--itrations"),
    "no run directory": (["solve", "--resume", "nowhere"], "nowhere"),
    "no policy file": (["exploit", "kuhn_2p", "none.json"], "none.json"),
    "no such kind of policy": (["exploit", "kuhn_2p", "policy.txt"], ".npz, .json, .csv"),
    "no run to plot": (["plot", "nowhere"], "nowhere"),
    "no such kind of figure": (["compare", "kuhn_2p", "--format", "gif"], ".png, .svg, .pdf"),
    "unknown algorithm in a comparison": (["compare", "quick", "--algos", "cfr,cfrr"], "did you mean 'cfr'"),
    "unknown algorithm to show": (["algos", "vad"], "unknown algorithm 'vad'"),
    "rule without .py": (["new-rule", "rule.txt"], ".py"),
}


@pytest.mark.parametrize("case", USAGE)
def test_usage_errors_are_one_line_and_leave_nothing_behind(case, tmp_path):
    arguments, fragment = USAGE[case]
    result = gameplan(*arguments, cwd=tmp_path, code=2)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and fragment in lines[0] and result.stdout == ""
    assert list(tmp_path.iterdir()) == []


DOMAIN = {
    "lp beyond two players": (["solve", "kuhn_3p", "--algo", "lp"], "two-player zero-sum"),
    "imperfect recall": (["solve", "liars_dice_ir"], "imperfect recall"),
    "too large": (["solve", "leduc_2p", "--max-histories", "100"], "--max-histories"),
    "no information state": (["solve", "catch"], "information-state"),
}


@pytest.mark.parametrize("case", DOMAIN)
def test_domain_errors_are_one_line(case, tmp_path):
    arguments, fragment = DOMAIN[case]
    talk = gameplan(*arguments, cwd=tmp_path, code=1).stderr.strip().splitlines()
    lines = [line for line in talk if not line.startswith("compiling ")]  # which is said where that takes long
    assert len(lines) == 1 and fragment in lines[0]
    assert list(tmp_path.rglob("*.json")) == [] and list(tmp_path.glob("runs/*")) == []


def test_a_bad_policy_file_names_the_infoset(tmp_path):
    (tmp_path / "p.json").write_text(json.dumps({"0": {"0": 0.7, "1": 0.7}}))
    result = gameplan("exploit", "kuhn_2p", "p.json", cwd=tmp_path, code=1)
    assert "infoset '0'" in result.stderr and "1.4" in result.stderr
    (tmp_path / "q.json").write_text(json.dumps({"elsewhere": {"0": 1.0}}))
    assert "another game" in gameplan("exploit", "kuhn_2p", "q.json", cwd=tmp_path, code=1).stderr
    (tmp_path / "r.json").write_text("[1, 2")
    assert "r.json, line 1: not JSON" in gameplan("exploit", "kuhn_2p", "r.json", cwd=tmp_path, code=1).stderr


def test_a_partial_policy_is_filled_uniformly_and_said_so(tmp_path):
    (tmp_path / "p.json").write_text(json.dumps({"0": [[0, 0.5], [1, 0.5]]}))
    result = gameplan("exploit", "kuhn_2p", "p.json", "--json", cwd=tmp_path)
    assert json.loads(result.stdout)["missing_infosets"] == 11 and "does not mention 11 of 12" in result.stderr
    assert json.loads(result.stdout)["exploitability"] == pytest.approx(0.4583333333)


@pytest.mark.slow
def test_new_rule_passes_check_rule_and_solves(tmp_path):
    gameplan("new-rule", "mine.py", cwd=tmp_path)
    assert "exists" in gameplan("new-rule", "mine.py", cwd=tmp_path, code=2).stderr
    record = json.loads(gameplan("check-rule", "mine.py", "--json", cwd=tmp_path).stdout)
    assert record["ok"] and record["form"] == "compiled rule"
    run = json.loads(
        gameplan("solve", "kuhn_2p", "--algo", "./mine.py", "-n", 100, "--set", "gamma=1", "--json", cwd=tmp_path).stdout
    )
    assert run["exploitability"] == pytest.approx(0.001194404101, rel=1e-7)  # gamma = 1 is CFR+
    (tmp_path / "bad.py").write_text("PARAMS = {}\ndef accumulate_policy(S): pass\n")
    result = gameplan("check-rule", "bad.py", cwd=tmp_path, code=1)
    assert "accumulate_policy takes 1 arguments" in result.stdout and "derive_policy" in result.stdout


def test_listings(tmp_path):
    games = json.loads(gameplan("games", "--json", cwd=tmp_path).stdout)
    assert len(games["suites"]["paper11"]) == 11 and games["games"]["leduc_3p"]["histories"] == 1_831_601
    algos = json.loads(gameplan("algos", "--json", cwd=tmp_path).stdout)["algos"]
    assert {"cfr", "vad-cfr", "aod-cfr", "lp"} <= {entry["name"] for entry in algos}
    shown = json.loads(gameplan("algos", "dcfr", "--json", cwd=tmp_path).stdout)
    assert shown["params"] == {"alpha": 1.5, "beta": 0.0, "gamma": 2.0} and "2019" in shown["reference"]
    size = json.loads(gameplan("games", "kuhn_poker(players=3)", "--json", cwd=tmp_path).stdout)
    assert size["histories"] == 617 and size["infosets"] == [16, 16, 16]
    gameplan("solve", "kuhn_2p", "--algo", "cfr", "-n", 5, cwd=tmp_path)
    runs = json.loads(gameplan("runs", "list", "--json", cwd=tmp_path).stdout)["runs"]
    assert len(runs) == 1 and runs[0]["status"] == "done" and runs[0]["algo"] == "cfr"


def test_a_run_directory_is_never_overwritten_unasked(tmp_path):
    solve = ("solve", "kuhn_2p", "--algo", "cfr", "-n", 5, "--out", "run")
    gameplan(*solve, cwd=tmp_path)
    before = (tmp_path / "run/result.json").read_bytes()
    assert "--force" in gameplan(*solve, cwd=tmp_path, code=2).stderr
    assert (tmp_path / "run/result.json").read_bytes() == before
    gameplan(*solve, "--force", cwd=tmp_path)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/thesis.tex").write_text("...")
    gameplan("solve", "kuhn_2p", "--out", "precious", "--force", cwd=tmp_path, code=2)
    assert (tmp_path / "precious/thesis.tex").exists()


def test_foreign_packages_of_our_names_are_named(tmp_path):
    (tmp_path / "planners").mkdir()
    (tmp_path / "planners/__init__.py").write_text("")
    result = subprocess.run(
        [sys.executable, "-m", "cli", "games"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": f"{tmp_path}:{TOP}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1 and "'planners'" in result.stderr and len(result.stderr.splitlines()) == 1


def test_ctrl_c_while_something_is_imported_is_130_without_a_traceback(tmp_path):
    """At the first import of all, and at one inside a command; where a library would swallow it, too."""
    (tmp_path / "early").mkdir()
    (tmp_path / "early" / "click.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n")
    (tmp_path / "late").mkdir()
    swallow = "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n    x = 1\nexcept BaseException:\n    pass\n"
    (tmp_path / "late" / "safetensors.py").write_text(swallow)
    for place in ("early", "late"):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / place), str(TOP)])}
        command = [sys.executable, "-m", "cli", "runs", "list", str(tmp_path)]
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 130 and result.stderr == "gameplan: interrupted\n", place


def test_a_full_disk_under_the_output_is_one_line(tmp_path):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "cli", "games", "--json"]
        environment = {**os.environ, "PYTHONPATH": str(TOP)}
        result = subprocess.run(command, env=environment, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1 and "No space left on device" in result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
