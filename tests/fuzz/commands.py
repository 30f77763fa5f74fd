"""Every command with every kind of name or run directory: it works, or says in one line what to do.

python -m tests.fuzz.commands [--only PART]

What a command would do once it has taken a name, such as solving or playing, is replaced by leaving with exit code 0: what is
tried is what a name means to it. The product is tried whole by this script, and by `tests/test_naming.py`.
"""

import argparse
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict
from functools import partial
from pathlib import Path
from unittest import mock

import click

import cli
from tests.fuzz.tally import Tally

WORLD = '''"""Count down."""
from games.model_world import ModelWorld

OPTIONS = {"start": 3}


class Countdown:
    def legal(self, n):
        return [1] if n else []

    def step(self, n, k):
        return n - k, 1.0


def make(name, start):
    return ModelWorld(name, Countdown(), start, actions=1)
'''
PLANNER = '''"""The first legal action."""
import numpy as np

from planners.budget import new_cost
from planners.planner import Decision

PARAMS = {}


class First:
    def __init__(self, name):
        self.name = name

    def begin(self, instance, rng):
        self.model, self.actions = instance.model, np.zeros(instance.model.actions, np.int64)

    def decide(self, state, steps_left, budget):
        return Decision(int(self.actions[0]) if self.model.legal(state, self.actions) else None, new_cost(), units=1)


def make(name):
    return First(name)
'''
RULE = '''"""CFR in NumPy."""
import numpy as np

PARAMS = {}


def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    S += sigma * np.repeat(reach, infosets.count)


def accumulate_regret(R, r, t, infosets, params, state):
    R += r


def derive_policy(sigma, R, r, t, infosets, params, state):
    sigma[:] = np.repeat(1.0 / infosets.count, infosets.count)
'''
SOLVERS = '''"""Uniform."""
import numpy as np

TRAIN = {}
STATE = {}


def train(payoffs, iteration):
    return [np.ones(n) for n in payoffs.sizes]


evaluate = train
'''
NAMES = {  # name: what it is, a key of workbench.catalogue.naming.USES; None: nothing
    "kuhn_2p": "game", "matrix_rps": "game", "quick": "suite of games", "p1": "world", "2048": "world", "vad-cfr": "algorithm",
    "psro": "algorithm", "nash": "meta-strategy solver", "flare": "planner", "cfr": "task of evolution", "h2048": "task of evolution",
    "solved": "solver run", "./psro": "solver run", "planned": "planner run", "begun_solved": "solver run",
    "begun_planned": "planner run", "damaged": None, "compared": "comparison", "compared_planners": "comparison",
    "distilled": "data set", "evolved": "discovery", "empty": None, "my_world.py": "world", "./my_planner.py": "planner", "my_rule.py": "algorithm",
    "my_solvers.py": "meta-strategy solver", "broken.py": None, "notes.txt": None, "game.efg": "game", "policy.csv": "policy file",
    "nowhere": None, "./no/where.py": None, "my_world:make": "world", "my_rule:derive_policy": "algorithm", "no_module:make": None,
    "": None, "a\nb": None, "x" * 300: None,
}  # fmt: skip
COMMANDS = (
    "solve X", "solve kuhn_2p --algo X", "solve kuhn_2p --sandbox --algo X", "solve kuhn_2p --train X", "solve kuhn_2p --eval X",
    "solve --resume X", "solve --resume X --trusted", "plan X", "plan X --render", "plan p1 --planner X", "plan --resume X",
    "plan --repeat X", "plan sokoban --levels X", "replay X", "critic X", "exploit X policy.csv", "exploit kuhn_2p X", "exploit X",
    "export X out.csv", "evolve report X --draw front", "replay planned X",
    "export X out.efg", "psro-show X", "plot X", "runs list X", "games X", "algos X", "check-rule X", "compare X --algos cfr",
    "compare X --planners greedy", "compare kuhn_2p --algos cfr,X", "compare p1 --planners greedy,X", "evolve new X", "evolve run X",
    "evolve resume X", "evolve import cfr X", "evolve status X", "evolve best X", "evolve list X", "evolve show X 1", "evolve report X", "report X",
    "distill X", "distill --resume X", "distill --check X", "evolve lineage X", "evolve diff X 1", "evolve verify X", "evolve ablate X", "evolve export X --out folder", "evolve compare X",
)  # fmt: skip
WORK = (  # where a command has taken what it was given and begins to work
    "workbench.solving.run.solve", "workbench.planning.run.run_plan", "workbench.comparison.solvers.run_comparison",
    "workbench.comparison.planners.run_cells", "workbench.discovery.session.proceed", "workbench.discovery.analysis.verify.verify",
    "workbench.solving.rule_tools.load_game", "workbench.solving.population.draw_population",
    "workbench.figures.convergence.draw_convergence", "planners.critic.monte_carlo.critic_report",
    "workbench.pages.report.discovery_report", "workbench.pages.report.report", "workbench.discovery.analysis.compare.run_comparison",
    "workbench.discovery.analysis.ablate.Ablation", "workbench.distill.run.run_distill", "workbench.distill.audit.audit",
)  # fmt: skip


def run(*arguments: object) -> tuple[int, str]:
    """Return the exit code of a command, and what it said on stderr."""
    told, said = io.StringIO(), io.StringIO()
    with mock.patch("sys.argv", ["gameplan", *map(str, arguments)]), redirect_stdout(told), redirect_stderr(said):
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
            if code == 1 and arguments[0] == "check-rule" and not said.getvalue():
                return code, f"gameplan: {told.getvalue()}"  # its result is what is wrong with a file
            return code, said.getvalue()
    raise AssertionError("main returns")


def make_place(path: Path) -> None:
    """Fill a directory with one of everything that a name can mean."""
    from workbench.discovery.config import from_record, resolve
    from workbench.discovery.session import begin
    from workbench.planning.config import PlanConfig, resolve_plan

    with working_in(path):
        for arguments in (
            "solve kuhn_2p --algo cfr -n 2 --out solved", "solve kuhn_2p --algo psro-uniform -n 2 --out psro",
            "plan p1 --episodes 1 --out planned", "export kuhn_2p game.efg", "export solved policy.csv",
            "compare kuhn_2p --algos cfr -n 2 --engine threads --jobs 1 --out compared",
            "compare p1 --planners greedy --episodes 1 --out compared_planners",
            "distill 2048-3x3 --samples 3 --out distilled --jobs 1 --set simulations=20",
        ):  # fmt: skip
            code, text = run(*arguments.split())
            assert code == 0, text
        for kind in ("solved", "planned"):  # killed before the first line
            Path(f"begun_{kind}").mkdir()
            for name in ("config.json", "environment.json"):
                shutil.copy(f"{kind}/{name}", f"begun_{kind}")
        shutil.copytree("solved", "damaged")
        Path("damaged/config.json").write_text('{"game": "kuhn_2p", "algo": 7')
        begin(resolve(from_record({"task": "cfr", "evals": 1}), ()), Path("evolved"), None).close()
        Path("empty").mkdir()
        for name, text in (
            ("my_world", WORLD), ("my_planner", PLANNER), ("my_rule", RULE), ("my_solvers", SOLVERS), ("broken", "def\n"),
        ):  # fmt: skip
            Path(f"{name}.py").write_text(text)
        Path("notes.txt").write_text("nothing\n")
        assert asdict(resolve_plan(PlanConfig(env="p1", planner="greedy", episodes=1))) == json.loads(
            Path("planned/config.json").read_text()
        )


@contextmanager
def working_in(path: Path) -> Iterator[None]:
    """Have `path` as the working directory, and forget modules in it afterwards."""
    before = Path.cwd()
    os.chdir(path)
    try:
        with mock.patch("sys.path", [*sys.path, str(path)]):
            yield
    finally:
        os.chdir(before)
        for name in ("my_world", "my_rule"):
            sys.modules.pop(name, None)


@contextmanager
def without_work() -> Iterator[None]:
    """Have commands leave with exit code 0 where their work would begin."""

    def leave(*_: object, **__: object) -> None:
        raise click.exceptions.Exit(0)

    with ExitStack() as stack:
        for place in WORK:
            stack.enter_context(mock.patch(place, leave))
        yield


def judge(command: str, name: str) -> tuple[bool, str | None]:
    """Return whether a command takes a name, and what is wrong with its answer, or None."""
    words = [f"{head}{comma}{name}" if last == "X" else f"{head}{comma}{last}" for head, comma, last in map(_last, command.split())]
    code, text = run(*words)
    if code in (0, 3):
        return True, None
    lines = [line for line in text.splitlines() if line.startswith("gameplan")]
    line = lines[0] if lines else ""
    if code not in (1, 2) or "unexpected" in line or len(lines) != 1 or not text.endswith(f"{line}\n"):
        return False, f"exit code {code}: {text!r}"
    kind = NAMES[name]
    said = kind is None or f" {kind}: gameplan" in line or any(command.startswith(begin) for begin in TAKEN.get(name, ()))
    return False, None if said else f"does not say that it is of the kind {kind!r}: {line}"


def _last(word: str) -> tuple[str, str, str]:
    return word.rpartition(",")


TAKEN = {  # name: beginnings of commands that take such a name, and say what is wrong with this one
    "p1": ("distill",),
    "solved": ("psro-show",), "begun_solved": ("export", "psro-show"), "begun_planned": ("plan --repeat", "replay", "export"),
    "evolved": ("evolve", "export"), "distilled": ("export",), "./psro": ("check-rule",), "psro": ("check-rule", "plan sokoban"), "policy.csv": ("check-rule",), "matrix_rps": ("exploit", "export"), "kuhn_2p": ("export",), "game.efg": ("check-rule", "export"),
    "my_solvers.py": ("check-rule", "evolve ablate"), "my_rule:derive_policy": ("plan", "compare p1", "evolve import", "evolve ablate"),
}  # fmt: skip


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="Commands that contain this.")
    commands = [command for command in COMMANDS if parser.parse_args().only in command]
    tally = Tally("commands")
    with tempfile.TemporaryDirectory() as folder:
        make_place(Path(folder))
        for command in commands:
            with tempfile.TemporaryDirectory() as copy:
                shutil.copytree(folder, copy, dirs_exist_ok=True)
                with working_in(Path(copy)), without_work():
                    for name in NAMES:
                        case = f"{command}, X = {name[:40]!r}"
                        outcome, found = tally.attempt(case, partial(judge, command, name))
                        if outcome == "taken":
                            taken, wrong = found
                            tally.counts.subtract({"taken": not taken or wrong is not None})
                            tally.counts["refused"] += not taken and wrong is None
                            if wrong:
                                tally.fault(wrong[:400], case)
            print(command, flush=True)
    return tally.finish()


if __name__ == "__main__":
    raise SystemExit(main())
