"""Engines: the same bytes wherever jobs run, lost workers, cancelling, and what goes wrong in one line."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest
from engine_jobs import refuse, square, square_or_die, wait_until_cancelled

from games.errors import GameplanError, UsageError
from workbench.comparison import solvers as compare
from workbench.engines import Engine, WorkerLost, open_engine, parse_engine
from workbench.engines.jobs import run_jobs
from workbench.engines.version import checked, code_version, difference
from workbench.planning.config import EPISODES, PlanConfig, resolve_plan
from workbench.planning.run import Conduct, run_plan
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig

TOP = Path(__file__).resolve().parent.parent


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """Return the engine's name of a Dask cluster of two processes, as another program might have started it."""
    distributed = pytest.importorskip("distributed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "silence_logs": 50}
    settings |= {"dashboard_address": "127.0.0.1:0", "scheduler_kwargs": {"dashboard": False}}
    with distributed.LocalCluster(processes=True, local_directory=str(tmp_path_factory.mktemp("dask")), **settings) as cluster:
        yield cluster.scheduler_address.replace("tcp://", "dask://")


@pytest.fixture
def importable(monkeypatch):
    """Let processes that start afresh import what this one does."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TOP), str(TOP / "tests")]))


def comparison(directory: Path, executor, monkeypatch, algos=("cfr", "cfr+")) -> dict:
    """Run a comparison in `directory` and return its files without clocks and environment."""
    directory.mkdir()
    monkeypatch.chdir(directory)
    base = SolveConfig(game="", algo="", iterations=20)
    jobs = compare.make_jobs(["kuhn_2p"], algos, base, lambda configs: Path("out"))
    told: list[str] = []
    cells = compare.run_comparison(jobs, executor, stop=never, on_done=told.append)
    compare.write_table(compare.summarise(["kuhn_2p"], algos, cells), Path("out"))
    assert sorted(told) == sorted(job.path.name for job in jobs)
    files = {str(path): path.read_bytes() for path in sorted(Path("out").rglob("*")) if path.is_file()}
    files["out/table.json"] = re.sub(rb'"seconds": [-+.e\d]+', b"", files["out/table.json"])
    clocks = ("timing.jsonl", "environment.json", "result.json", "table.csv", "table.md")
    return {name: content for name, content in files.items() if not name.endswith(clocks)}


def test_a_comparison_on_dask_is_the_local_one(scheduler, tmp_path, monkeypatch):
    with open_engine("threads", 1) as here, open_engine(scheduler) as there:
        assert there.workers == 2
        local = comparison(tmp_path / "local", here, monkeypatch)
        remote = comparison(tmp_path / "remote", there, monkeypatch)
    assert remote == local
    assert any(name.endswith("policy.npz") for name in local) and not any("/." in name for name in remote)


@pytest.mark.slow
def test_episodes_on_dask_are_the_local_ones(scheduler, tmp_path, monkeypatch):
    config = resolve_plan(PlanConfig(env="kg-walk", planner="greedy", episodes=9, seed=5))
    run_plan(config, RunDirectory.create(tmp_path / "local"))
    monkeypatch.setattr("workbench.planning.run.SLOW_SECONDS", 0.0)
    with open_engine(scheduler) as engine:
        run_plan(config, RunDirectory.create(tmp_path / "remote"), Conduct(lambda: engine, engine.workers))
    for name in (EPISODES, "config.json"):
        assert (tmp_path / "local" / name).read_bytes() == (tmp_path / "remote" / name).read_bytes()


@pytest.mark.slow
def test_a_comparison_by_submitit_is_the_local_one(tmp_path, monkeypatch, importable):
    pytest.importorskip("submitit")
    with open_engine("threads", 1) as here, open_engine("submitit-local", 2, folder=tmp_path / "engine") as there:
        local = comparison(tmp_path / "local", here, monkeypatch, algos=("cfr+",))
        assert comparison(tmp_path / "remote", there, monkeypatch, algos=("cfr+",)) == local
    assert not (tmp_path / "engine").exists()  # nothing failed, nothing is left


@pytest.mark.slow
@pytest.mark.parametrize("name", ["local", "dask"])
def test_a_job_that_kills_its_worker_is_reported_and_the_rest_goes_on(name):
    with open_engine(name, 2) as engine:
        results = dict(run_jobs(engine, square_or_die, (0, 2, 3, 4, 5, 1), never))  # it leaves while a worker is being replaced
    error = results.pop(1)
    assert isinstance(error, WorkerLost) and "infrastructure" in str(error) and "3 times" in str(error)
    assert results == {n: n * n for n in (0, 2, 3, 4, 5)}


@pytest.mark.parametrize("name", ["local", "threads", "scheduler", "submitit-local"])
def test_exceptions_of_jobs_arrive_as_they_are(name, request, tmp_path, importable):
    name = request.getfixturevalue(name) if name == "scheduler" else name
    with open_engine(name, 1, folder=tmp_path) as engine, pytest.raises(ValueError, match="7 is odd"):
        engine.submit(refuse, 7).result(timeout=30)


@pytest.mark.parametrize("name", ["threads", "scheduler"])
def test_leaving_stops_jobs_that_ask(name, request, tmp_path):
    name = request.getfixturevalue(name) if name == "scheduler" else name
    with open_engine(name, 1) as engine:
        engine.submit(wait_until_cancelled, str(tmp_path))
        queued = engine.submit(square, 3)
        deadline = time.monotonic() + 20
        while not (tmp_path / "began").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert queued.cancelled()
    deadline = time.monotonic() + 5
    while not (tmp_path / "stopped").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (tmp_path / "stopped").exists()


FAKE_SLURM = {
    "sbatch": """
        case "$(cat $1)" in *partition=closed*) echo "sbatch: error: invalid partition: closed" >&2; exit 1;; esac
        export SLURM_JOB_ID=$$ SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 SLURM_PROCID=0 SLURM_LOCALID=0
        (sh $1; touch $FAKE/$SLURM_JOB_ID.ended) >/dev/null 2>&1 &
        cp $1 $FAKE/script; echo Submitted batch job $SLURM_JOB_ID""",
    "srun": """
        while [ "${1#--}" != "$1" ]; do case $1 in --output|--error) shift 2;; *) shift;; esac; done
        exec "$@" """,
    "sacct": """
        echo "JobID|State|NodeList"
        for id in "$@"; do [ -e $FAKE/$id.ended ] && echo "$id|COMPLETED|here"; done; true""",
    "scancel": "echo $1 >>$FAKE/cancelled",
}


@pytest.mark.slow
def test_slurm(tmp_path, monkeypatch, importable):
    """The commands of Slurm are played by scripts."""
    pytest.importorskip("submitit")
    fake = tmp_path / "fake"
    fake.mkdir()
    with pytest.raises(GameplanError, match=r"cannot use 'slurm'.*srun"), open_engine("slurm"):
        pass
    for name, text in FAKE_SLURM.items():
        (fake / name).write_text("#!/bin/sh\n" + text)
        (fake / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(fake))
    with open_engine("slurm://short?timeout_min=30&mem_gb=2", folder=tmp_path / "engine") as engine:
        assert engine.submit(square, 5).result(timeout=60) == 25
        script = (fake / "script").read_text()
        assert all(f"#SBATCH --{text}\n" in script for text in ("partition=short", "time=30", "mem=2GB"))
        engine.submit(wait_until_cancelled, str(tmp_path))
        deadline = time.monotonic() + 20
        while not (tmp_path / "began").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    assert len((fake / "cancelled").read_text().split()) == 1
    with open_engine("slurm://closed", folder=tmp_path / "engine") as engine:
        assert "invalid partition" in str(engine.submit(square, 5).exception(timeout=20))
    with pytest.raises(GameplanError, match="timeout_min"), open_engine("slurm://short?timeout_min=long"):
        pass


def test_a_directory_that_workers_do_not_see_is_named(tmp_path):
    base = SolveConfig(game="", algo="", iterations=5)
    [job] = compare.make_jobs(["kuhn_2p"], ["cfr"], base, lambda configs: tmp_path / "out")
    cell = compare.run_job(compare.Job(job.config, job.path, 0, mark=".not-there"))
    assert cell.exploitability is None and "does not see" in cell.reason and str(tmp_path) in cell.reason


class Backend:
    """Starts calls when it is told to, so that a test decides what happens."""

    def __init__(self) -> None:
        self.started: list[tuple[int, Future]] = []

    def start(self, call) -> Future:
        self.started.append((call.args[0], Future()))
        return self.started[-1][1]


def engine_on(backend: Backend, workers: int = 2) -> Engine:
    return Engine(backend.start, workers, lambda error: "it died" if isinstance(error, ConnectionError) else None)


def test_workers_end_with_a_parent_that_is_killed(tmp_path, importable):
    code = (
        "import sys; from workbench.engines import local_pool; from engine_jobs import sleep_and_say_who\n"
        "if __name__ == '__main__':\n"
        "    with local_pool(2) as pool:\n"
        "        [job.result() for job in [pool.submit(sleep_and_say_who, sys.argv[1]) for _ in range(2)]]\n"
    )
    (tmp_path / "parent.py").write_text(code)
    (tmp_path / "who").mkdir()
    parent = subprocess.Popen([sys.executable, tmp_path / "parent.py", tmp_path / "who"])
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "who").iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = [int(path.name) for path in (tmp_path / "who").iterdir()]
    assert len(workers) == 2 and all(map(_runs, workers))
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 2
    while any(map(_runs, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(_runs, workers))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_suspect_is_tried_again_alone():
    backend = Backend()
    engine = engine_on(backend)
    futures = [engine.submit(square, n) for n in range(4)]
    assert [n for n, _ in backend.started] == [0, 1]  # no more than there are workers
    backend.started[0][1].set_exception(ConnectionError())
    backend.started[1][1].set_result(1)
    assert [n for n, _ in backend.started] == [0, 1, 2, 3]
    backend.started[2][1].set_result(4)
    assert len(backend.started) == 4
    backend.started[3][1].set_result(9)
    late = engine.submit(square, 7)
    assert [n for n, _ in backend.started[4:]] == [0]
    backend.started[4][1].set_result(0)
    assert futures[0].result() == 0 and [n for n, _ in backend.started[5:]] == [7] and not late.done()


def test_retries_are_bounded_and_other_errors_are_not_tried_again():
    backend = Backend()
    engine = engine_on(backend)
    lost, wrong = engine.submit(square, 1), engine.submit(square, 2)
    backend.started[1][1].set_exception(ValueError("no"))
    for k in (0, 2, 3):
        backend.started[k][1].set_exception(ConnectionError())
    assert str(lost.exception()) == "infrastructure: it died, 3 times"
    assert isinstance(wrong.exception(), ValueError) and len(backend.started) == 4


def test_thousands_of_short_jobs():
    before = threading.active_count()  # other tests leave threads that end when they like
    with open_engine("threads", 3) as engine:
        futures = [engine.submit(square, n) for n in range(5000)]
        assert [future.result() for future in futures] == [n * n for n in range(5000)]
    assert threading.active_count() <= before + 3
    with pytest.raises(RuntimeError):
        engine.submit(square, 1)


def test_names():
    assert parse_engine("dask://somewhere:9000").place == "somewhere:9000"
    assert parse_engine("dask://somewhere").place == "somewhere:8786"
    assert parse_engine("slurm://cpu?mem_gb=1.5&slurm_account=us")[1:] == ("cpu", {"mem_gb": 1.5, "slurm_account": "us"})
    with pytest.raises(UsageError, match=r"'dsk' \(did you mean 'dask'\?\)"):
        parse_engine("dsk")
    for text in ("dask://", "dask://a:b", "dask://a:99999", "local://a", "slurm://a?b", "", "tcp://a"):
        with pytest.raises(UsageError):
            parse_engine(text)


def test_a_scheduler_that_does_not_answer(tmp_path, monkeypatch):
    """One line with the address: nobody there (by the command line), and somebody who is no scheduler."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, TOP / "cli.py", "compare", "kuhn_2p", "--engine", f"dask://{address}", "--out", tmp_path / "out"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and done.stdout == ""
        assert address in done.stderr and "Connection refused" in done.stderr
        taken.listen()
        monkeypatch.setattr("workbench.engines.dask_engine.PATIENCE", 0.2)
        with pytest.raises(GameplanError, match=f"no Dask scheduler answers at {address}"), open_engine(f"dask://{address}"):
            pass


def test_workers_of_another_version_are_refused():
    other = {**code_version(), "numpy": "1.0"}
    assert difference(code_version()) == "" and difference(other).startswith("has numpy 1.0, here it is ")
    assert "No module named" in difference(ModuleNotFoundError("No module named 'workbench'"))
    with pytest.raises(GameplanError, match=r"has numpy 1\.0"):
        checked(other, lambda: 1)
    assert checked(code_version(), lambda: 1) == 1
    assert json.loads(json.dumps(code_version())) == code_version()


def test_an_engine_that_is_not_installed_names_the_extra(monkeypatch):
    for module, name, extra in (("distributed", "dask", "dask"), ("submitit", "submitit-local", "slurm")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(GameplanError, match=rf"pip install 'gameplan\[{extra}\]'"), open_engine(name):
            pass
