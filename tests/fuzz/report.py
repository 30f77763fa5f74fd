"""What a fuzzing script has found: the last line that it prints, which ``python -m tests.fuzz`` puts into its table."""

import json
from dataclasses import asdict, dataclass

MARK = "report: "


@dataclass(frozen=True)
class Report:
    """Inputs taken and refused, findings, the CPU seconds of the slowest, and the bytes that were needed beyond those at first."""

    script: str
    taken: int
    refused: int
    findings: int
    longest: float
    memory: int

    @property
    def inputs(self) -> int:
        """How many there were."""
        return self.taken + self.refused + self.findings

    def print(self) -> int:
        """Print the line; return the exit status."""
        print(MARK + json.dumps(asdict(self)), flush=True)
        return 1 if self.findings else 0


def read_report(line: str) -> Report | None:
    """Return the report on a line that a script has printed; None if it is another line."""
    return Report(**json.loads(line.removeprefix(MARK))) if line.startswith(MARK) else None
