"""Fifty hostile candidates, past the static check and into the isolation: none leaves a process, a file or a forged score.

    python -m tests.fuzz.hostile

Each is examined and measured as if the check had let it through; then an honest rule must still get its own score, to the bit. At
the end the warden is let go, and nothing that it started may be alive. Prints one line a candidate; exit status 1 for a finding.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.report import Report
from tests.hostile import HOSTILE, REFUSED, rule
from workbench.discovery.isolation import client, examine, measure
from workbench.discovery.isolation.keeper import descendants
from workbench.discovery.records import Job, Limits, Outcome, Trial
from workbench.discovery.tasks.cfr.task import TASK

LIMITS = Limits(3.0, 12.0, 300 << 20)
TRIALS = (Trial("kuhn_2p", 20),)
SECRET = "swordfish"


def attempt(source: str) -> tuple[Outcome, Outcome]:
    """Return what became of a candidate in examination and measurement."""
    job = Job("cfr", source, TRIALS, limits=LIMITS)
    return examine(job), measure(job)


def main() -> int:
    """Try all of them; return the exit status."""
    honest = measure(Job("cfr", rule(compiled=True), TRIALS)).values
    findings, longest = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        there, secret = Path(folder) / "there", Path(folder) / "secret"
        secret.write_text(SECRET)
        for name, text in HOSTILE.items():
            source = text.replace("{there}", str(there)).replace("{secret}", str(secret))
            began = time.monotonic()
            if bool(TASK.problems(source)) != (name in REFUSED):
                findings.append(f"{name}: the static check says {TASK.problems(source) or 'nothing'}")
            outcomes = attempt(source)
            for outcome in outcomes:
                if SECRET in outcome.reason or there.exists():
                    findings.append(f"{name}: a file was read or written")
                if outcome.values and outcome.status == "ok" and outcome.values[0] < honest[0] * 0.999:
                    findings.append(f"{name}: a score of {outcome.values[0]:.3g}, better than the honest {honest[0]:.3g}")
            if measure(Job("cfr", rule(compiled=True), TRIALS)).values != honest:
                findings.append(f"{name}: the honest rule's score has changed")
            shown = " / ".join(f"{outcome.status} {outcome.values[:1] or outcome.reason[:60]!r}" for outcome in outcomes)
            longest = max(longest, time.monotonic() - began)
            print(f"{time.monotonic() - began:5.1f} s  {name}: {shown}", flush=True)
    keeper = client._handle("auto").process.pid
    below = [keeper, *descendants(keeper)]
    client._local.warden.end()
    time.sleep(1.0)
    findings += [f"process {pid} is left" for pid in below if Path(f"/proc/{pid}").exists()]
    print("\n".join(findings) or f"{len(HOSTILE)} candidates, no finding")
    return Report("hostile", 0, len(HOSTILE) - len(findings), len(findings), longest, 0).print()


if __name__ == "__main__":
    sys.exit(main())
