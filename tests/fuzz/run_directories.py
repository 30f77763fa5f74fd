"""Run directories damaged in many ways: every command that reads them answers, refuses in one line, and never takes other numbers for
the run's own where a digest covers them.

    python -m tests.fuzz.run_directories --count 200
"""

import json
import random
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from click.testing import CliRunner

import cli
from tests.fuzz.tally import Tally, changed_json, damaged, options

LINES = ("metrics.jsonl", "episodes.jsonl")
COVERED = ("metrics.jsonl", "episodes.jsonl", "config.json", "checkpoint.safetensors")


def gameplan(*arguments: object) -> str:
    """Run a command in this process; raise what it raises, and return what it prints."""
    result = CliRunner().invoke(cli.cli, [str(a) for a in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.output


def make_runs(top: Path) -> dict[str, Path]:
    """Make one run of every kind."""
    made = {
        "solve": ("solve", "kuhn_2p", "--algo", "cfr+", "-n", 20),
        "other": ("solve", "kuhn_2p", "--algo", "dcfr", "-n", 20),
        "leduc": ("solve", "leduc_2p", "--algo", "cfr+", "-n", 3),
        "psro": ("solve", "kuhn_2p", "--algo", "psro-uniform", "-n", 3),
        "plan": ("plan", "2048-2x2", "--planner", "random", "--episodes", 4),
        "walk": ("plan", "kg-walk", "--planner", "greedy", "--episodes", 4),
    }
    for name, arguments in made.items():
        gameplan(*arguments, "--out", top / name)
    return {name: top / name for name in made}


def harm(run: Path, others: list[Path], rng: random.Random) -> str:
    """Damage the run directory; return what was done."""
    files = sorted(path for path in run.iterdir() if path.is_file())
    path = rng.choice(files)
    kind = rng.choice(("bytes", "bytes", "json", "json", "json", "line", "swap", "gone", "empty", "folder", "digit", "mixed"))
    if kind == "bytes":
        path.write_bytes(damaged(path.read_bytes(), rng))
    elif kind == "json":
        path = rng.choice([p for p in files if p.suffix in (".json", ".jsonl")])
        lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
        at = rng.randrange(len(lines))
        lines[at] = json.dumps(changed_json(json.loads(lines[at]), rng))
        path.write_text("\n".join(lines) + "\n")
    elif kind == "line":
        path = rng.choice([p for p in files if p.suffix == ".jsonl"])
        lines = path.read_text().splitlines(keepends=True)
        at = rng.randrange(len(lines))
        change = rng.randrange(3)
        if change == 0:
            del lines[at]
        elif change == 1:
            lines.insert(rng.randrange(len(lines)), lines[at])
        else:
            rng.shuffle(lines)
        path.write_text("".join(lines))
    elif kind == "swap":
        other = rng.choice(others)
        names = [p.name for p in files if (other / p.name).exists()]
        path = run / rng.choice(names)
        shutil.copy(other / path.name, path)
    elif kind == "mixed":
        for path in files:
            if rng.random() < 0.3:
                path.write_bytes(damaged(path.read_bytes(), rng))
    elif kind == "gone":
        path.unlink()
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    else:  # another digit somewhere in a number
        path = rng.choice([p for p in files if p.name in (*LINES, "config.json", "result.json")])
        text = list(path.read_text())
        places = [i for i, c in enumerate(text) if c.isdigit()]
        at = rng.choice(places)
        text[at] = str((int(text[at]) + rng.randrange(1, 10)) % 10)
        path.write_text("".join(text))
    return f"{kind} {path.name}"


def results(run: Path) -> dict[str, bytes]:
    """Return the bytes that a run must have however it came about."""
    names = ("metrics.jsonl", "episodes.jsonl", "policy.npz", "policy.json", "policy.csv", "checkpoint.safetensors")
    return {name: (run / name).read_bytes() for name in names if (run / name).is_file()}


def main() -> int:
    """Damage, read, compare."""
    given = options(__doc__ or "", 200)
    rng = random.Random(given.seed)
    tally = Tally("run directories")
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        runs = make_runs(top / "whole")
        whole = {name: results(path) for name, path in runs.items()}
        config = {name: json.loads((path / "config.json").read_text()) for name, path in runs.items()}
        for number in range(given.count):
            name = rng.choice(list(runs))
            run = top / "damaged" / "run"
            shutil.rmtree(run.parent, ignore_errors=True)
            shutil.copytree(runs[name], run)
            others = [path for other, path in runs.items() if other != name]
            case = f"{given.seed}/{number} {name}: {harm(run, others, rng)}"
            try:
                kept = shutil.copytree(run, top / "kept", dirs_exist_ok=False)
                command = "plan" if name in ("plan", "walk") else "solve"
                readers = [("runs", "list", run.parent), ("plot", run, "--out", top / "figure.svg")]
                readers += [("replay", run, "--episode", 1), ("export", run, top / "policy.json"), ("psro-show", run, "--json")]
                rng.shuffle(readers)
                for reader in readers[:3]:
                    tally.attempt(f"{case} {reader[0]}", lambda reader=reader: gameplan(*reader))
                outcome, message = tally.attempt(f"{case} resume", partial(gameplan, command, "--resume", run, "--json"))
                if outcome == "taken":
                    now = json.loads((run / "config.json").read_text())
                    if now == config[name] and results(run) != whole[name]:
                        different = [key for key in whole[name] if results(run).get(key) != whole[name][key]]
                        tally.fault(f"resumed to other bytes of {different}", case)
                    elif now != config[name]:
                        tally.counts["resumed as another run"] += 1
                        allowed = {"iterations", "episodes", "target", "time_limit", "threads", "max_histories", "schema"}
                        strange = {key for key in {*now, *config[name]} if now.get(key) != config[name].get(key)} - allowed
                        if strange and results(kept).get("checkpoint.safetensors") == whole[name].get("checkpoint.safetensors"):
                            tally.fault(f"took {strange} for its own", case)
                elif outcome == "refused" and not any(
                    word in message
                    for word in ("remove", "put", "run again", "is not", "newer", "-n", "choose", "lists", "--resume")
                ):
                    tally.fault(f"no word on what to do: {message}", case)
            finally:
                shutil.rmtree(top / "kept", ignore_errors=True)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
