"""Hostile candidates, past the static check and into the isolation: none leaves a process, a file or a forged score.

    python -m tests.fuzz.hostile [WORD ...]

Each is examined and measured as if the check had let it through; then an honest program must still get its own score, to the bit.
At the end the warden is let go, and nothing that it started may be alive. Words choose candidates by name. Prints one line a
candidate; exit status 1 for a finding.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.fuzz.report import Report
from tests.hostile import ELSEWHERE, HOSTILE, REFUSED, rule
from workbench.discovery.books.records import INFRA, Job, Limits, Outcome, Trial
from workbench.discovery.isolation import client, examine, measure
from workbench.discovery.isolation.keeper import descendants
from workbench.discovery.task import find_task
from workbench.discovery.tasks.cfr.task import TASK

LIMITS = Limits(3.0, 12.0, 300 << 20)
TRIALS = {"cfr": Trial("kuhn_2p", 20), "psro": Trial("kuhn_2p", 5), "h2048": Trial("1-ply", 2), "sokoban-h": Trial("small", 50)}
SECRET = "swordfish"


def candidates() -> Iterator[tuple[str, str, str]]:
    """Return task, name and source of all."""
    yield from (("cfr", name, source) for name, source in HOSTILE.items())
    yield from ((task, name, source) for task, found in ELSEWHERE.items() for name, source in found.items())


def attempt(job: Job) -> tuple[Outcome, Outcome]:
    """Return what became of a candidate in examination and measurement."""
    return examine(job), measure(job)


def main(words: list[str]) -> int:
    """Try all of them; return the exit status."""
    findings, tried, longest = [], 0, 0.0
    jobs = {name: Job(name, next(iter(find_task(name).seeds().values())), (trial,)) for name, trial in TRIALS.items()}
    jobs["cfr"] = replace(jobs["cfr"], source=rule(compiled=True))
    honest: dict[str, tuple[float, ...]] = {}
    with tempfile.TemporaryDirectory() as folder:
        there, secret = Path(folder) / "there", Path(folder) / "secret"
        secret.write_text(SECRET)
        for task, name, text in candidates():
            if words and not any(word in f"{task}: {name}" for word in words):
                continue
            if task not in honest:
                honest[task] = measure(jobs[task]).values
            source = text.replace("{there}", str(there)).replace("{secret}", str(secret))
            began = time.monotonic()
            if task == "cfr" and bool(TASK.problems(source)) != (name in REFUSED):
                findings.append(f"{name}: the static check says {TASK.problems(source) or 'nothing'}")
            outcomes = attempt(replace(jobs[task], source=source, limits=LIMITS))
            tried += 1
            for outcome in outcomes:
                if outcome.status == INFRA:
                    findings.append(f"{task}: {name}: {outcome.reason}")
                if SECRET in outcome.reason or there.exists():
                    findings.append(f"{task}: {name}: a file was read or written")
                if task == "cfr" and outcome.status == "ok" and outcome.values and outcome.values[0] < honest[task][0] * 0.999:
                    findings.append(f"{name}: a score of {outcome.values[0]:.3g}, better than the honest {honest[task][0]:.3g}")
                if min(outcome.seconds, default=0.0) < 0.0:
                    findings.append(f"{task}: {name}: less than no time")
            seconds = time.monotonic() - began
            longest = max(longest, seconds)
            if measure(jobs[task]).values != honest[task]:
                findings.append(f"{task}: {name}: the honest program's score has changed")
            shown = " / ".join(f"{outcome.status} {outcome.values[:1] or outcome.reason[:60]!r}" for outcome in outcomes)
            print(f"{seconds:5.1f} s  {task}: {name}: {shown}", flush=True)
    keeper = client._handle("auto").process.pid
    below = [keeper, *descendants(keeper)]
    client._local.warden.end()
    time.sleep(1.0)
    findings += [f"process {pid} is left" for pid in below if Path(f"/proc/{pid}").exists()]
    print("\n".join(findings) or f"{tried} candidates, no finding")
    return Report("hostile", 0, tried - len(findings), len(findings), longest, 0).print()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
