"""Runs that are killed, interrupted, resumed, extended, or run out of disk."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from games.errors import GameplanError, UsageError
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig, resumed_config
from workbench.solving.grid import is_evaluated, next_evaluation
from workbench.solving.run import solve

TOP = Path(__file__).resolve().parent.parent
SAME = ("config.json", "metrics.jsonl", "policy.npz", "policy.json", "policy.csv", "checkpoint.safetensors")

NUMPY_RULE = '''"""CFR+ in plain NumPy."""
import numpy as np
PARAMS = {"weight": 1.0}
STATE = {"calls": "game"}
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    state.calls[0] += 1
    S += params.weight * t * np.repeat(reach, infosets.count) * sigma
def accumulate_regret(R, r, t, infosets, params, state):
    np.maximum(R + r, 0.0, out=R)
def derive_policy(sigma, R, r, t, infosets, params, state):
    total = np.repeat(np.add.reduceat(R, infosets.first), infosets.count)
    sigma[:] = np.where(total > 0, R / np.where(total > 0, total, 1.0), 1.0 / np.repeat(infosets.count, infosets.count))
'''

CLASS_RULE = '''"""CFR+ as three classes, with memory of its own."""
class RegretAccumulator:
    def __init__(self):
        self.calls = 0
    def update_accumulate_regret(self, info_state_node, iteration_number, cfr_regrets):
        self.calls += 1
        return {a: max(0.0, info_state_node.cumulative_regret[a] + r) for a, r in cfr_regrets.items()}
class PolicyFromRegretAccumulator:
    def get_updated_current_policy(self, info_state_node, iteration_number, cfr_regrets, previous_policy):
        R = info_state_node.cumulative_regret
        total = sum(R.values())
        return {a: R[a] / total if total > 0 else 1 / len(R) for a in info_state_node.legal_actions}
class PolicyAccumulator:
    def update_accumulate_policy(self, info_state_node, iteration_number, info_state_policy, cfr_regrets, reach_prob,
                                 counterfactual_reach_prob):
        S = info_state_node.cumulative_policy
        return {a: S[a] + (iteration_number + 1) * reach_prob * p for a, p in info_state_policy.items()}
'''


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "cli", *map(str, arguments)]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TOP), "NO_COLOR": "1"}


def contents(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in SAME}


@pytest.mark.slow
@pytest.mark.parametrize("algo", ["vad-cfr", "numpy", "class"])
def test_killed_runs_resume_to_the_same_bytes(algo, tmp_path):
    """SIGKILL at random moments, resume each time: policy, metrics and configuration equal those of an unbroken run."""
    game, iterations, kills = {
        "vad-cfr": ("leduc_2p", 80_000, 6),
        "numpy": ("kuhn_2p", 40_000, 3),
        "class": ("kuhn_2p", 20_000, 3),
    }[algo]
    if algo != "vad-cfr":
        (tmp_path / "rule.py").write_text(NUMPY_RULE if algo == "numpy" else CLASS_RULE)
    name = "rule.py" if algo != "vad-cfr" else algo
    common = ("solve", game, "--algo", f"./{name}" if algo != "vad-cfr" else name, "-n", iterations)
    subprocess.run(command(*common, "--out", "whole"), cwd=tmp_path, env=ENVIRONMENT, check=True, capture_output=True)
    moments = random.Random(1)
    arguments = command(*common, "--out", "broken")
    resumed = command("solve", "--resume", "broken")
    done = 0
    for _ in range(kills):  # of a run that takes longer than all of them
        process = subprocess.Popen(arguments, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(moments.uniform(0.3, 2.6))
        process.send_signal(signal.SIGKILL)
        done += process.wait() == -signal.SIGKILL
        process.communicate()
        if (tmp_path / "broken/config.json").exists():
            arguments = resumed
    assert done >= 2
    subprocess.run(arguments, cwd=tmp_path, env=ENVIRONMENT, check=True, capture_output=True)
    whole, broken = contents(tmp_path / "whole"), contents(tmp_path / "broken")
    assert [name for name in SAME if whole[name] != broken[name]] == []


def test_ctrl_c_saves_and_says_where(tmp_path):
    arguments = command("solve", "leduc_2p", "--algo", "cfr+", "-n", 10**9, "--out", "run", "--json")
    process = subprocess.Popen(arguments, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "run/metrics.jsonl").exists():
        time.sleep(0.05)
        assert process.poll() is None
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "--resume run" in err
    record = json.loads(out)
    assert record["status"] == "interrupted" and record["iterations"] > 0
    kept = json.loads((tmp_path / "run/config.json").read_text())["iterations"]
    assert kept == 10**9 and (tmp_path / "run/checkpoint.safetensors").exists()


def run_in(path: Path, *, resume: bool = False, **settings) -> dict:
    config = SolveConfig(**{"game": "kuhn_2p", "algo": "dcfr", "iterations": 60, **settings})
    return solve(config, RunDirectory.open(path) if resume else RunDirectory.create(path), resume=resume)


def test_equal_runs_are_byte_identical(tmp_path):
    run_in(tmp_path / "a")
    run_in(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_interrupted_and_extended_runs_equal_uninterrupted_ones(tmp_path):
    run_in(tmp_path / "whole", iterations=90)
    calls = iter([False] * 8 + [True] * 99)
    solve(SolveConfig("kuhn_2p", "dcfr", 90), RunDirectory.create(tmp_path / "stopped"), stop=lambda: next(calls))
    before = len((tmp_path / "stopped/metrics.jsonl").read_text().splitlines())
    assert before < 30
    run_in(tmp_path / "stopped", iterations=90, resume=True)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    run_in(tmp_path / "extended", iterations=57)
    run = RunDirectory.open(tmp_path / "extended")
    solve(resumed_config(run, {"iterations": 90}), run, resume=True)
    assert contents(tmp_path / "extended") == contents(tmp_path / "whole")


def test_schedules_keep_their_planned_iterations_when_a_run_is_extended(tmp_path):
    run_in(tmp_path / "run", algo="hs-pcfr+", iterations=40)
    run = RunDirectory.open(tmp_path / "run")
    record = solve(resumed_config(run, {"iterations": 80}), run, resume=True)
    assert record["params"]["planned_iterations"] == 40 and record["iterations"] == 80


@pytest.mark.slow
def test_a_resumed_run_stays_the_same_algorithm(tmp_path):
    rule = tmp_path / "rule.py"
    rule.write_text(NUMPY_RULE)
    run_in(tmp_path / "whole", algo=str(rule), iterations=40)
    run_in(tmp_path / "run", algo=str(rule), iterations=20)
    rule.write_text(NUMPY_RULE.replace("t * np", "t * t * np"))
    run = RunDirectory.open(tmp_path / "run")
    solve(resumed_config(run, {"iterations": 40}), run, resume=True)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    with pytest.raises(UsageError, match="a resumed run keeps it"):
        resumed_config(run, {"algo": "cfr+"})
    with pytest.raises(UsageError, match="already done 40"):
        solve(resumed_config(run, {"iterations": 10}), run, resume=True)


@pytest.mark.slow
def test_class_programs_resume_by_replaying_and_say_so(tmp_path):
    rule = tmp_path / "rule.py"
    rule.write_text(CLASS_RULE)
    run_in(tmp_path / "whole", algo=str(rule), iterations=12)
    run_in(tmp_path / "run", algo=str(rule), iterations=7)
    said: list[str] = []
    run = RunDirectory.open(tmp_path / "run")
    solve(resumed_config(run, {"iterations": 12}), run, resume=True, say=said.append)
    assert any("computed again" in line for line in said)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_a_torn_last_line_is_dropped(tmp_path):
    run_in(tmp_path / "whole", iterations=90)
    run_in(tmp_path / "run", iterations=57)
    with open(tmp_path / "run/metrics.jsonl", "ab") as stream:
        stream.write(b'{"iteration": 60, "exploit')
    run = RunDirectory.open(tmp_path / "run")
    solve(resumed_config(run, {"iterations": 90}), run, resume=True)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_a_failing_rule_keeps_the_metrics_so_far(tmp_path):
    rule = tmp_path / "rule.py"
    rule.write_text(NUMPY_RULE + "    if t == 25: sigma[3] = np.nan\n")
    with pytest.raises(GameplanError, match=r"iteration 25 for player 0 at infoset '.*nan"):
        run_in(tmp_path / "run", algo=str(rule))
    lines = RunDirectory.open(tmp_path / "run").read_lines("metrics.jsonl")
    assert [line["iteration"] for line in lines][-1] == 20


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    """A disk that fills up while metrics are appended, and a place where nothing can be made."""
    with pytest.raises(GameplanError, match="cannot write to /proc/nowhere"):
        RunDirectory.create(Path("/proc/nowhere"))
    run = RunDirectory.create(tmp_path / "run")
    real = os.open
    full = lambda path, *rest, **more: real("/dev/full" if Path(path).name == "metrics.jsonl" else path, *rest, **more)  # noqa: E731
    monkeypatch.setattr(os, "open", full)
    with pytest.raises(GameplanError, match=r"No space left on device; .*--resume"):
        solve(SolveConfig("kuhn_2p", "cfr", 10), run)


@pytest.mark.parametrize("damage", ["checkpoint.safetensors", "config.json"])
def test_damaged_files_are_named(damage, tmp_path):
    run_in(tmp_path / "run", iterations=20)
    (tmp_path / "run" / damage).write_bytes(b"\x00\x01garbage")
    run = RunDirectory.open(tmp_path / "run")
    with pytest.raises(GameplanError, match=f"{damage} is damaged"):
        solve(resumed_config(run, {"iterations": 40}), run, resume=True)


def test_evaluation_grid():
    config = SolveConfig("kuhn_2p", "cfr", 777)
    grid, t = [], 0
    while t < 777:
        t = next_evaluation(t, config)
        grid.append(t)
    assert {1, 2, 5, 10, 20, 50, 100, 200, 500, 777} <= set(grid) and len(grid) < 40
    assert [t for t in range(1, 22) if is_evaluated(t, SolveConfig("kuhn_2p", "cfr", 21, every=7))] == [1, 7, 14, 21]
