"""Every command knows the runs of every other, and lists them by what they are."""

from dataclasses import asdict, replace

import pytest

from games.errors import UnknownName
from workbench.catalogue.naming import USES, explain, what_is
from workbench.distill.config import DistillConfig, resolve_distill, saved_distill
from workbench.planning.config import PlanConfig, resolve_plan, saved_plan
from workbench.runs.directory import CONFIG, RESULT, RunDirectory
from workbench.runs.kinds import DATA_SET, KINDS, LANGUAGE_MODEL, PLANNER_RUN, SOLVER_RUN, TRAINING_RUN
from workbench.solving.config import SolveConfig, resolve_config, saved_config
from workbench.training.config import TrainConfig, resolve_train, saved_train
from workbench.training.language import LanguageConfig, saved_language
from workbench.views.names import kind_at
from workbench.views.runs import find_runs, look

READERS = {
    SOLVER_RUN: saved_config, PLANNER_RUN: saved_plan, DATA_SET: saved_distill, TRAINING_RUN: saved_train,
    LANGUAGE_MODEL: saved_language,
}  # fmt: skip
LISTED = {SOLVER_RUN: ("kuhn_2p", "cfr+"), PLANNER_RUN: ("p1", "greedy"), DATA_SET: ("2048", "full"),
          TRAINING_RUN: ("2048-2x2", "mc-grpo"), LANGUAGE_MODEL: ("2048", "chain")}  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Kind -> a run that has only begun, and its configuration."""
    root = tmp_path_factory.mktemp("runs")
    configs = {
        SOLVER_RUN: resolve_config(SolveConfig("kuhn_2p", "cfr+"))[0],
        PLANNER_RUN: resolve_plan(PlanConfig("p1", "greedy")),
        DATA_SET: resolve_distill(DistillConfig("2048", samples=10)),
        TRAINING_RUN: resolve_train(TrainConfig("2048-2x2", "mc-grpo", updates=1)),
        LANGUAGE_MODEL: LanguageConfig("data", world="2048", digest="0"),
    }
    made = {}
    for kind, config in configs.items():
        made[kind] = RunDirectory.create(root / kind.name.replace(" ", "-"))
        made[kind].write_json(CONFIG, asdict(config))
    return made, configs


def test_a_run_of_another_kind_is_told_what_it_is(runs):
    made, configs = runs
    assert set(READERS) == set(KINDS) == set(made) and {kind.name for kind in KINDS} <= set(USES)
    for kind, run in made.items():
        assert [meaning.kind for meaning in what_is(str(run.path))] == [kind.name]
        for wanted, read in READERS.items():
            if wanted == kind:
                found = read(run)
                assert found == configs[kind] and replace(found, seed=7) != found
                continue
            with pytest.raises(UnknownName) as refused:
                read(run)
            assert f"{run.path} is a {kind.name}: gameplan" in explain(refused.value)


def test_runs_are_listed_by_what_they_are(runs):
    made, _ = runs
    rows = {row.path: row for row in find_runs(made[SOLVER_RUN].path.parent)}
    for kind, run in made.items():
        row = rows[run.path]
        assert (row.game, row.algo, row.status) == (*LISTED[kind], "unfinished")
        assert row.kind == kind_at(run.path) == (kind.command or {PLANNER_RUN: "plan", TRAINING_RUN: "train"}.get(kind, "solve"))


def test_what_games_of_a_language_model_came_to_is_read_again(runs):
    run = runs[0][LANGUAGE_MODEL]
    beside = {"random": {"mean": 9.0, "standard_error": 1.0, "episodes": 2, "max_tiles": {"16": 2}}}
    score = {"world": "2048-proact", "mean": 8.0, "standard_error": 1.0, "episodes": 2, "illegal": 0.5, "beside": beside}
    counts = dict.fromkeys(("weights", "texts", "updates", "tokens"), 3)
    run.write_result({
        "schema": 2, "command": "train-lm", "world": "2048", "target": "chain", "epochs": 1, "seed": 0, **counts, "loss": 0.5,
        "validation_loss": None, "score": score, "seconds": 1.0, "cpu_seconds": 1.0, "status": "done", "run": "x",
    })  # fmt: skip
    assert run.read_json(RESULT)["score"] == score
    row = look(run.path)
    (run.path / RESULT).unlink()
    assert (row.status, row.figure, row.size) == ("done", 8.0, 3)
