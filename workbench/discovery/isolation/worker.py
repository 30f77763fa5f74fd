"""A solver in a locked child, and the calls that it answers: the innermost part of a session."""

import json
from typing import Any

import numpy as np

from workbench.discovery.task import Answer


class Worker:
    """Makes the solver on the first call."""

    def __init__(self) -> None:
        self._solver: Any = None

    def answer(self, task: Any, request: dict[str, Any]) -> Answer:
        """Return the answer to a request, as arrays."""
        call = request["call"]
        if call == "open":
            self._solver = task.solver(request)
            return {"replays": np.array([int(self._solver.replays)])}
        if call == "advance":
            self._solver.advance(request["stop"])
            return {}
        if call == "restore":
            arrays = {name: np.array(values, np.float64) for name, values in request["arrays"].items()}
            self._solver.restore(request["iteration"], arrays)
            return {}
        if call == "policy":
            return {"policy": self._solver.average_policy()}
        if call == "current policy":
            return {"policy": self._solver.current_policy()}
        if call == "remarks":
            return {"json": np.frombuffer(json.dumps(self._solver.remarks()).encode(), np.uint8).astype(np.int64)}
        if call == "artifacts":
            return {f"{name}/{key}": array for name, made in self._solver.artifacts().items() for key, array in made.items()}
        return dict(self._solver.state())
