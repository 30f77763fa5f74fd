"""All fuzzing scripts, one after the other, and a table of what they found; exit status 1 for any finding.

    python -m tests.fuzz --inputs 20000 --seed 0

Each runs in a process of its own. Only Linux tells how much CPU time and memory a process has had, so only there they run.
"""

import argparse
import os
import subprocess
import sys
import tempfile

from tests.fuzz.report import Report, read_report

SHARES = {
    "gambit": 30,
    "policies": 25,
    "levels": 20,
    "candidates": 15,
    "openspiel_strings": 5,
    "stores": 3,
    "sokoban": 5,
    "run_directories": 2,
}  # %
WHOLE = ("commands", "hostile")  # scripts that try all they know, whatever the number of inputs
READERS = {"stores": 8, "run_directories": 4}  # inputs that come of one damaged store or run
HEADS = ("script", "inputs", "taken", "refused", "findings", "longest (s)", "memory (MiB)")


def run(script: str, *arguments: str) -> Report:
    """Return what a script found, which prints what it has to say."""
    command = [sys.executable, "-m", f"tests.fuzz.{script}", *arguments]
    found = None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stdout is not None
        for line in process.stdout:
            found = read_report(line) or found
            if found is None:
                print(line, end="", flush=True)
    return found or Report(f"{script}: ended with {process.returncode}", 0, 0, 1, 0.0, 0)


def main() -> int:
    """Run the scripts; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="all fuzzing scripts")
    parser.add_argument("--inputs", type=int, default=20_000, help="in all; kills, names and hostile candidates are on top")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=[*SHARES, "kills", *WHOLE], help="one script; repeatable")
    given = parser.parse_args()
    numbers = {script: -(-given.inputs * share // (100 * READERS.get(script, 1))) for script, share in SHARES.items()}
    numbers["kills"] = -(-given.inputs // 1000)
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        os.environ.setdefault("GAMEPLAN_CACHE", cache)
        for script in given.only or [*numbers, *WHOLE]:
            arguments = ("--inputs", str(numbers[script]), "--seed", str(given.seed)) if script in numbers else ()
            rows.append(run(script, *arguments))
    total = [sum(getattr(row, key) for row in rows) for key in ("taken", "refused", "findings")]
    rows.append(Report("all", *total, max(row.longest for row in rows), max(row.memory for row in rows)))
    print("{:20}{:>10}{:>10}{:>10}{:>10}{:>13}{:>14}".format(*HEADS))
    for row in rows:
        numbers_of = f"{row.inputs:>10,}{row.taken:>10,}{row.refused:>10,}{row.findings:>10,}"
        print(f"{row.script:20}{numbers_of}{row.longest:>13.2f}{row.memory >> 20:>14,}")
    return 1 if rows[-1].findings else 0


if __name__ == "__main__":
    sys.exit(main())
