"""Starting and checking methods of learning of one's own."""

from pathlib import Path
from typing import Any

import numpy as np

from games.errors import GameplanError, UsageError
from games.files import displayed
from games.modules import program_text
from planners.learning.batch import Batch
from planners.learning.catalogue import find_method
from planners.learning.learner import Diverged
from planners.learning.trainer import Trainer
from planners.policies.catalogue import POLICY, VALUE, make_learned
from workbench.runs.programs import explained, write_template
from workbench.testing.toys import pig

UPDATES = 5
TEMPLATE = '''"""My method: group-relative advantages of Monte-Carlo action values, their size cut off.

A_i = min(max((x_i - mean x) / (std x + epsilon), -most), most)   with x_i = Q_MC(s, a_i)

Parameters
----------
most : size of an advantage at most, in standard deviations; above 0
"""

import numpy as np

from planners.learning.estimates import group_normal

# Hyper-parameters with defaults: float, int, bool or str. Set on the command line with --set most=2. 'gameplan algos FILE'
# shows what the docstring says of each.
PARAMS = {"most": 1.5}

# Defaults of the trainer's own options ('gameplan algos mc-grpo' lists them) that this method wants otherwise.
OPTIONS = {}

# What a batch is. "turns": environments that go on from batch to batch, a row for every turn. "groups": the same, and at every turn
# several actions are sampled, a row each. "episodes": whole episodes, several from each start, a row for every turn.
SAMPLING = "groups"

# "value": a learned value; "success": a world with goals; "positive": a world without negative rewards; "planner": the parameter
# "planner" names one that plays in the world.
NEEDS = ()


def advantage(batch, params):
    """Return the advantage of every row of the batch (planners.learning.batch says what it has)."""
    q = batch.ask.critic_actions()
    x = q[batch.at, batch.chosen]
    normal = group_normal(x, batch.group, batch.options["ddof"], batch.options["epsilon"])
    return np.clip(normal, -params["most"], params["most"])


# There may also be, each over all rows:
#
# def rewards(batch, params): ...                        the rewards, shaped
# def mask(batch, params): ...                           which rows count in the loss
# def surrogate(ratio, advantage, batch, params): ...    (loss, slope of the loss in the ratio); default: PPO's clipped one
#
# What is kept in batch.memory (arrays by name) is there in the next update, and after a resume.
'''


def write_new_method(path: Path, *, force: bool = False) -> None:
    """Write a commented method to `path`; errors are those of `workbench.runs.programs.write_template`."""
    write_template(path, TEMPLATE, "method", force=force)


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
            found = find_method(name, {"environments": 4, "turns": 8, "rollouts": 2, "horizon": 4}, text)
            record["sampling"], record["params"] = found.method.sampling, found.method.params
            policy = make_learned(POLICY, "tabular", pig(), {"capacity": 512})
            value = make_learned(VALUE, "tabular", pig(), {"capacity": 512}) if "value" in found.method.needs else None
            learner = Trainer(found.method, policy, value, lambda k: pig(), found.options, 0)
            for _ in range(UPDATES):
                learner.advance()
            record["figures"] = learner.figures()
            batch = learner.collect()
            if found.method.surrogate is not None:
                record["problems"] += _wrong_slopes(found.method.surrogate, batch, found.method.params)
    except UsageError:
        raise
    except (GameplanError, Diverged) as error:
        record["problems"].append(str(error).replace(name, displayed(name)))
    record["ok"] = not record["problems"]
    return record


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
