"""Checking methods of learning of one's own."""

from typing import Any

import numpy as np

from games.errors import GameplanError, UsageError
from games.files import displayed
from games.modules import program_text
from games.params import Value
from games.worlds import load_world
from planners.learning.afterstates import SMALLEST
from planners.learning.batch import Batch
from planners.learning.catalogue import Found, find_method
from planners.learning.learner import Diverged, Learner, checked_learner
from planners.learning.trainer import Trainer
from planners.policies.catalogue import POLICY, VALUE, kind_params, make_learned
from planners.policies.ntuple import VALUE_PARAMS
from workbench.runs.programs import explained
from workbench.testing.toys import pig

UPDATES = 5
SMALL: dict[str, Value] = {"environments": 4, "turns": 8, "rollouts": 2, "horizon": 4}  # what it is tried with


def check_method_file(name: str) -> dict[str, Any]:
    """Return ``ok``, ``problems``, ``sampling``, ``params`` and the figures after some updates in a small game of dice.

    Raises
    ------
    UsageError
        If the file cannot be read.
    """
    record: dict[str, Any] = {"file": name, "ok": False, "problems": [], "sampling": None, "params": {}, "figures": {}}
    text = program_text(name, "method file")
    try:
        with explained({"method": name}):
            found = find_method(name, {}, text)  # as it is: what follows replaces some of its own options
            record["sampling"], record["params"] = found.method.sampling, found.method.params
            if found.method.learner is not None:
                params = kind_params("ntuple", VALUE_PARAMS)
                made = found.method.learner(load_world(SMALLEST).instance(0), params, found.method.params, 0)
                record["figures"] = _advanced(checked_learner(name, made), 1).figures()
            else:
                record["problems"] += _tried(find_method(name, SMALL, text), record)
    except UsageError:
        raise
    except (GameplanError, Diverged) as error:
        record["problems"].append(str(error).replace(f"{name}: ", "").replace(name, displayed(name)))
    record["ok"] = not record["problems"]
    return record


def _tried(found: Found, record: dict[str, Any]) -> list[str]:
    """Let a method learn in a game of dice, put the figures into the `record`, and return what is wrong with its surrogate."""
    method = found.method
    policy = make_learned(POLICY, "tabular", pig(), {"capacity": 512})
    value = make_learned(VALUE, "tabular", pig(), {"capacity": 512}) if "value" in method.needs else None
    learner = Trainer(method, policy, value, lambda k: pig(), found.options, 0)
    record["figures"] = _advanced(learner, UPDATES).figures()
    return [] if method.surrogate is None else _wrong_slopes(method.surrogate, learner.collect(), method.params)


def _advanced(learner: Learner, updates: int) -> Any:
    for _ in range(updates):
        learner.advance()
    return learner


def _wrong_slopes(surrogate: Any, batch: Batch, params: dict) -> list[str]:
    """Return a line if the slope that a surrogate gives is not that of its loss, by finite differences away from kinks."""
    rng, step = np.random.default_rng(0), 1e-5
    ratio, advantage = np.exp(0.2 * rng.normal(size=len(batch.at))), rng.normal(size=len(batch.at))
    slope = np.asarray(surrogate(ratio, advantage, batch, params)[1], np.float64)
    above, below = (np.asarray(surrogate(ratio + h, advantage, batch, params)[0], np.float64) for h in (step, -step))
    found = (above - below) / (2 * step)
    wrong = np.flatnonzero(np.abs(slope - found) > 1e-4 * (1.0 + np.abs(found)))
    if len(wrong) <= 0.02 * len(slope):
        return []
    n = int(wrong[0])
    return [
        f"surrogate: at ratio {ratio[n]:.4g} and advantage {advantage[n]:.4g} the slope is {slope[n]:.4g}, but the loss changes by "
        f"{found[n]:.4g} a unit of the ratio; return (loss, d loss / d ratio)"
    ]
