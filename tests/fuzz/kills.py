"""Runs killed at random moments, the first milliseconds among them: the same command or --resume goes on to the same bytes.

    python -m tests.fuzz.kills --count 200

Children are forked from this process, which has imported everything, so that a kill hits the run and not the start of Python.
What a killed run has started comes to this process as its own, and must end by itself.
"""

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from click.testing import CliRunner

import cli
from tests.fuzz.tally import Tally, options
from workbench.discovery.books.store import FILE as STORE
from workbench.discovery.isolation.keeper import descendants
from workbench.discovery.isolation.locks import adopt_orphans

RULE = """import numpy as np
PARAMS = {}
STATE = {}
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    S += t * np.repeat(reach, infosets.count) * sigma
def accumulate_regret(R, r, t, infosets, params, state):
    np.maximum(R + r, 0.0, out=R)
def derive_policy(sigma, R, r, t, infosets, params, state):
    total = np.repeat(np.add.reduceat(R, infosets.first), infosets.count)
    sigma[:] = np.where(total > 0, R / np.where(total > 0, total, 1.0), 1.0 / np.repeat(infosets.count, infosets.count))
"""
COMMANDS = {  # what is killed
    "solve": ["solve", "leduc_2p", "--algo", "cfr+", "-n", "6000"],
    "rule": ["solve", "kuhn_2p", "--algo", "./rule.py", "-n", "3000"],
    "psro": ["solve", "kuhn_2p", "--algo", "psro-uniform", "-n", "30"],
    "plan": ["plan", "2048-2x3", "--planner", "flat", "--simulations", "300", "--episodes", "12", "--jobs", "1"],
    "compare": ["compare", "kuhn_2p", "--algos", "cfr,dcfr", "-n", "3000", "--jobs", "2"],
    "evolve": ["evolve", "new", "cfr", "--budget-evals", "6", "-n", "20", "--jobs", "1"],
}
AFRESH = ("compare", "evolve")  # what works in processes of its own, which no child of this one can share
FILES = ("config.json", "metrics.jsonl", "episodes.jsonl", "policy.npz", "policy.json", "policy.csv", "checkpoint.safetensors")


def begin(arguments: list[str]) -> int:
    """Run a command in a child; return its process id."""
    child = os.fork()
    if child:
        return child
    os.setpgid(0, 0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nowhere, stream)
    os.dup2(os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    sys.argv = ["gameplan", *arguments]
    try:
        cli.main()
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException:
        os._exit(99)
    os._exit(0)


def finish(arguments: list[str]) -> tuple[int, str]:
    """Run a command to its end; return its exit code and what it said."""
    code = os.waitstatus_to_exitcode(os.waitpid(begin(arguments), 0)[1])
    return code, Path("said").read_text(errors="replace").strip()


def going_on(name: str, out: Path) -> list[str]:
    """Return the command that goes on with what a kill has left: a resume, or what began it."""
    if name == "compare" or not any((out / begun).exists() for begun in ("config.json", STORE)):
        return [*COMMANDS[name], "--out", str(out)]
    if name == "evolve":
        return ["evolve", "resume", str(out), "--jobs", "1"]
    more = {"plan": ["--jobs", "1"], "rule": ["--algo", "./rule.py"]}
    return [COMMANDS[name][0], "--resume", str(out), *more.get(name, [])]


def contents(path: Path) -> dict[str, bytes]:
    """Return what must be equal, below `path`, or in the export of a discovery; paths inside are left out."""
    if (path / STORE).exists():
        exported = path.with_name(f"{path.name}-exported")
        shutil.rmtree(exported, ignore_errors=True)
        code, said = finish(["evolve", "export", str(path), "--no-clocks", "--out", str(exported)])
        assert code == 0, said
        return {str(file.relative_to(exported)): file.read_bytes() for file in sorted(exported.rglob("*")) if file.is_file()}
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.name in FILES}


def stray(path: Path) -> list[str]:
    """Return what should not be left: temporary files and locks."""
    return [str(file.relative_to(path)) for file in path.rglob(".*")]


def left_running(known: set[int]) -> list[str]:
    """Wait for the processes below this one that are not `known`; return the command lines of those that do not end in 10 s."""
    until, found = time.monotonic() + 10.0, []
    while time.monotonic() < until:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        found = [pid for pid in descendants(os.getpid()) if pid not in known]
        if not found:
            break
        time.sleep(0.01)
    return [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")[:200] for pid in found if Path(f"/proc/{pid}").exists()]


def main() -> int:
    """Kill, go on, compare."""
    given = options(__doc__ or "", 200)
    rng = random.Random(given.seed)
    tally = Tally("kills")
    adopt_orphans()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("rule.py").write_text(RULE)
        whole, took = {}, {}
        for name, arguments in COMMANDS.items():
            if name not in AFRESH:
                found = CliRunner().invoke(cli.cli, [*arguments, "--out", f"warm-{name}"], standalone_mode=False)
                assert found.exception is None, found.exception
            start = time.monotonic()
            code, said = finish([*arguments, "--out", f"whole-{name}"])
            assert code == 0, (name, said)
            took[name], whole[name] = time.monotonic() - start, contents(Path(f"whole-{name}"))
        print({name: f"{seconds:.2f} s" for name, seconds in took.items()}, flush=True)
        kills, runs, known = 0, 0, set(descendants(os.getpid()))
        while kills < given.count:
            name = rng.choices(list(COMMANDS), (4, 3, 3, 3, 1, 1))[0]
            out, runs = Path(f"run-{runs}"), runs + 1
            arguments = going_on(name, out)
            for _ in range(rng.choice((1, 1, 2, 3))):
                child = begin(arguments)
                early = rng.random() < 0.4
                time.sleep(rng.uniform(0.0, 0.03 if early else took[name]))
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
                killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
                kills += killed
                tally.counts["killed early" if early and killed else "killed" if killed else "ended before"] += 1
                arguments = going_on(name, out)
                if not killed and name != "compare":
                    break
            code, said = finish(arguments)
            case = f"{given.seed}/{runs} {name}"
            if code != 0:
                tally.fault(f"{' '.join(arguments)} ended with {code}: {said}", case)
            elif contents(out) != whole[name]:
                mine = contents(out)
                other = [key for key in {*mine, *whole[name]} if mine.get(key) != whole[name].get(key)]
                tally.fault(f"other bytes of {other}", case)
            elif running := left_running(known):
                tally.fault(f"left running: {running}", case)
            elif name != "compare" and stray(out):
                tally.fault(f"left {stray(out)}", case)
            shutil.rmtree(out, ignore_errors=True)
        print(json.dumps({"kills": kills, "runs": runs}))
        tally.counts["taken"] = runs - len(tally.faults)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
