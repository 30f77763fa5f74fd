"""A family's defaults hold wherever an algorithm of it is run."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from workbench.catalogue import families
from workbench.catalogue.algorithms import find_algorithm
from workbench.catalogue.descriptions import describe
from workbench.catalogue.entries import CFR, CONCEPTS, EXACT, PSRO, SAMPLING
from workbench.catalogue.families import ALGORITHMS
from workbench.commands.options import iterations_option
from workbench.comparison.solvers import default_path, make_jobs
from workbench.discovery.task import find_task
from workbench.solving.config import SolveConfig, resolve_config

LENGTHS = {**dict.fromkeys(CFR, 1000), **dict.fromkeys(PSRO, 100), **dict.fromkeys(EXACT, 1), **dict.fromkeys(CONCEPTS, 10_000)}
LENGTHS |= dict.fromkeys(SAMPLING, 100_000)


def test_every_algorithm_has_the_length_of_its_family():
    assert set(LENGTHS) == set(ALGORITHMS)
    for algo, length in LENGTHS.items():
        config, algorithm = resolve_config(SolveConfig("kuhn_2p", algo))
        assert config.iterations == algorithm.family.iterations == describe(algo)["iterations"] == length
        assert resolve_config(SolveConfig("kuhn_2p", algo, 7))[0].iterations == (1 if algo in EXACT else 7)


def test_a_mixed_comparison_gives_each_its_own_length_and_n_holds_for_all(tmp_path):
    def lengths(base: SolveConfig) -> dict[str, int]:
        jobs = make_jobs(["kuhn_2p"], ["cfr+", "psro-uniform", "lp"], base, lambda configs: default_path(tmp_path, ["x"], configs))
        return {job.config.algo: job.config.iterations for job in jobs}

    assert lengths(SolveConfig("", "")) == {"cfr+": 1000, "psro-uniform": 100, "lp": 1}
    assert lengths(SolveConfig("", "", 30)) == {"cfr+": 30, "psro-uniform": 30, "lp": 1}


def test_solve_and_compare_on_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(
        cli.cli, ["compare", "kuhn_2p", "--algos", "cfr+,psro-uniform", "--engine", "threads", "--out", "both"]
    )
    assert run.exit_code == 0, run.output
    configs = [json.loads(path.read_text()) for path in Path("both").rglob("config.json")]
    assert {config["algo"]: config["iterations"] for config in configs} == {"cfr+": 1000, "psro-uniform": 100}
    CliRunner().invoke(cli.cli, ["solve", "kuhn_2p", "--algo", "psro-rm", "--out", "one"])
    assert json.loads(Path("one/config.json").read_text())["iterations"] == 100


def test_rules_that_plan_get_the_length_of_the_run():
    assert find_algorithm("hs-pcfr+", {}).params["planned_iterations"] == families.RULE.iterations
    assert find_algorithm("hs-pcfr+", {}, 250).params["planned_iterations"] == 250
    assert describe("hs-pcfr+")["params"]["planned_iterations"] == 0  # as declared: it follows the run


@pytest.mark.parametrize(("task", "family"), [("cfr", families.RULE), ("psro", families.PSRO)])
def test_evolution_scores_at_the_length_of_a_run(task, family):
    assert find_task(task).horizon == family.iterations


def test_the_help_says_what_the_families_say():
    option = iterations_option(lambda: None).__click_params__[0]
    assert f"{families.RULE.iterations}; PSRO: {families.PSRO.iterations}; sampling: {families.SAMPLING.iterations}" in option.help
    assert families.CLASS_PROGRAM.iterations == families.RULE.iterations
