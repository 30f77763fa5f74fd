"""The door for Python: one code path with the commands, nothing written unless asked, partial results, OpenSpiel in and out."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import workbench as gp
from workbench.commands.own import new_rule
from workbench.commands.solve import solve as command

HEAVY = ("numba", "pyspiel", "matplotlib", "pandas", "scipy", "numpy", "rich", "click", "IPython")


def test_importing_the_door_imports_nothing_heavy():
    code = (
        "import sys; before = len(sys.modules); import workbench as gp; gp.__all__; dir(gp)\n"
        f"print([m for m in {HEAVY} if m in sys.modules], len(sys.modules) - before)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy, _, count = found.stdout.strip().rpartition(" ")
    assert heavy == "[]" and int(count) < 100  # a twentieth of a second; a clock would tell of the machine


def test_everything_the_door_names_is_there_and_documented():
    for name in gp.__all__:
        assert getattr(gp, name).__doc__, name
    assert {*gp.__all__} <= {*dir(gp)}
    with pytest.raises(AttributeError, match="no attribute 'sovle'"):
        gp.sovle  # noqa: B018


def test_solve_is_what_the_command_does(tmp_path):
    settings = ["--set", "alpha=2", "-n", "60", "--every", "20", "--updates", "simultaneous"]
    told = CliRunner().invoke(command, ["kuhn_2p", "--algo", "dcfr", *settings, "--out", str(tmp_path / "a"), "--json"],
                              standalone_mode=False)  # fmt: skip
    record = json.loads(told.stdout)
    options = gp.SolveOptions(every=20, updates="simultaneous")
    here = gp.solve("kuhn_2p", "dcfr", n=60, params={"alpha": 2}, options=options)
    there = gp.solve("kuhn_2p", "dcfr", n=60, params={"alpha": 2}, options=options, out=tmp_path / "b")
    for result in (here, there):
        assert {k: v for k, v in result.record.items() if k not in CLOCKS} == {k: v for k, v in record.items() if k not in CLOCKS}
    assert (tmp_path / "a" / "metrics.jsonl").read_bytes() == (tmp_path / "b" / "metrics.jsonl").read_bytes()
    assert gp.load_policy(tmp_path / "a").probabilities.tobytes() == here.policy.probabilities.tobytes()
    assert (here.run, there.run) == (None, tmp_path / "b")


CLOCKS = ("seconds", "total_seconds", "run", "digest")


def test_solving_in_memory_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gp.solve("kuhn_2p", "cfr+", n=20)
    gp.psro("kuhn_2p", "nash", n=3)
    assert not list(tmp_path.iterdir())


def test_the_attributes_of_a_solver_result():
    result = gp.solve("kuhn_2p", "cfr+", n=1000)
    assert result.exploitability == pytest.approx(result.nash_conv / 2) and 0 < result.exploitability < 1e-3
    assert result.values == pytest.approx((-1 / 18, 1 / 18), abs=1e-4)
    curve = result.curve
    assert curve.iteration[-1] == result.iterations == 1000 and curve.exploitability[-1] == result.exploitability
    assert (np.diff(curve.iteration) > 0).all() and (np.diff(curve.seconds) >= 0).all() and curve.values.shape == (len(curve), 2)
    assert result.policy.exploitability == result.exploitability and result.policy.values == result.values
    assert sum(result.policy["0pb"].values()) == pytest.approx(1.0)
    with pytest.raises(gp.UsageError, match=r"no infoset '0pbb' in kuhn.*did you mean '0pb'"):
        result.policy["0pbb"]
    for shown in (repr(result), repr(curve), repr(result.policy)):
        assert len(shown) < 200 and "\n" not in shown


def test_an_interrupt_leaves_what_was_reached():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it

    def interrupt(progress):
        if progress.done >= 50:
            os.kill(os.getpid(), signal.SIGINT)  # as Ctrl-C and a notebook's button do

    result = gp.solve("leduc_2p", "cfr+", n=10**6, progress=interrupt)
    assert result.status == "interrupted" and 50 <= result.iterations < 10**6
    assert result.policy.exploitability == result.exploitability < 0.2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def test_a_callback_hears_of_iterations_and_may_stop():
    heard = []

    def listen(progress):
        heard.append(progress)
        if progress.done >= 10:
            raise KeyboardInterrupt

    result = gp.solve("kuhn_2p", "cfr+", n=1000, progress=listen)
    assert result.status == "interrupted" and result.iterations >= 10
    assert heard[-1].total == 1000 and "exploitability" in heard[-1].text and "of 1,000" in str(heard[-1])


@pytest.mark.parametrize("given, wrong", [
    ({"params": {"alhpa": 1.0}}, "did you mean 'alpha'"),
    ({"algo": "cfr++"}, "unknown algorithm 'cfr\\+\\+'"),
    ({"game": "kuhn_pokr"}, "did you mean 'kuhn_poker'"),
    ({"time_limit": "10"}, "with a unit"),
    ({"n": -1}, "from 0 on"),
])  # fmt: skip
def test_what_cannot_be_meant_is_raised_as_the_command_says_it(given, wrong, tmp_path):
    with pytest.raises(gp.UsageError, match=wrong):
        gp.solve(**{"game": "kuhn_2p", "algo": "dcfr", "out": tmp_path / "run", **given})
    assert not (tmp_path / "run").exists()


def test_psro_has_its_populations():
    result = gp.psro("kuhn_2p", "nash", n=12)
    assert result.exploitability < 1e-9  # double oracle ends at an equilibrium
    assert result.population.meta_game().shape == (12, 12)
    assert result.population.mixtures()[-1]["eval"] == pytest.approx(result.exploitability, abs=1e-12)


@pytest.mark.parametrize("name", ["kuhn_2p", "goofspiel_3"])  # the latter is converted to moves in turn
def test_policies_go_to_openspiel_and_back(name):
    pyspiel = pytest.importorskip("pyspiel")
    from open_spiel.python.policy import UniformRandomPolicy

    policy = gp.solve(name, "cfr+", n=30).policy
    tabular = policy.to_openspiel()
    opened = tabular.game
    assert pyspiel.nash_conv(opened, policy.to_pyspiel()) == pytest.approx(policy.nash_conv, abs=1e-12)
    for back in (gp.load_policy(tabular, name), gp.load_policy(policy.to_pyspiel(), game=policy.game)):
        assert np.array_equal(back.probabilities, policy.probabilities)
    for uniform in (UniformRandomPolicy(opened), pyspiel.UniformRandomPolicy(opened)):  # no tables: asked in every infoset
        found = gp.load_policy(uniform, game=name)
        assert np.array_equal(found.probabilities, np.repeat(1.0 / found.game.tree.count, found.game.tree.count))


def test_a_policy_of_openspiel_knows_its_game():
    pyspiel = pytest.importorskip("pyspiel")
    from open_spiel.python.policy import TabularPolicy

    assert gp.load_policy(TabularPolicy(pyspiel.load_game("kuhn_poker"))).exploitability == pytest.approx(0.458333, abs=1e-5)
    assert gp.solve(pyspiel.load_game("kuhn_poker"), "cfr+", n=5).game == "kuhn_poker()"
    with pytest.raises(gp.UsageError, match="name the game"):
        gp.load_policy(pyspiel.UniformRandomPolicy(pyspiel.load_game("kuhn_poker")))


def test_policies_from_tables_files_and_arrays(tmp_path):
    policy = gp.solve("kuhn_2p", "cfr+", n=30).policy
    policy.save(tmp_path / "policy.json")
    for source in (tmp_path / "policy.json", policy.probabilities, policy):
        assert np.array_equal(gp.load_policy(source, game="kuhn_2p").probabilities, policy.probabilities)
    with pytest.warns(UserWarning, match="11 infosets"):
        assert gp.load_policy({"0": {"0": 1.0}}, game="kuhn_2p")["0"] == {"Pass": 1.0, "Bet": 0.0}
    with pytest.raises(gp.GameplanError, match="sum to"):
        gp.load_policy(np.zeros(24), game="kuhn_2p")
    with pytest.raises(gp.UsageError, match="no policy"):
        gp.load_policy(np.ones(3), game="kuhn_2p")
    with pytest.raises(gp.UsageError, match="is not a run directory"):
        gp.load_policy(tmp_path / "nothing")


def test_notebooks_see_tables_in_which_nothing_runs():
    game = "kuhn_2p"
    result = gp.solve(game, "cfr+", n=10)
    result.algo = "<script>alert(1)</script>"
    for html in (result._repr_html_(), result.curve._repr_html_(), result.policy._repr_html_()):
        assert "<script" not in html and html.startswith("<table")
    assert "&lt;script&gt;" in result._repr_html_() and "more rows" in result.policy._repr_html_()


def test_data_frames_need_pandas_and_say_so(monkeypatch):
    result = gp.solve("kuhn_2p", "cfr+", n=10)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(gp.GameplanError, match="pip install pandas"):
        result.to_pandas()


def test_data_frames():
    pytest.importorskip("pandas")
    result = gp.solve("kuhn_2p", "cfr+", n=10)
    table = result.to_pandas()
    assert list(table.columns) == ["iteration", "exploitability", "nash_conv", "seconds", "value_0", "value_1"]
    assert table.exploitability.iloc[-1] == result.exploitability
    assert len(result.policy.to_pandas()) == 24


def test_figures_are_figures():
    from matplotlib.figure import Figure

    result = gp.solve("kuhn_2p", "cfr+", n=10)
    figure = result.plot()
    assert isinstance(figure, Figure)
    (line,) = figure.axes[0].get_lines()
    assert np.allclose(line.get_ydata(), result.curve.exploitability) and np.array_equal(line.get_xdata(), result.curve.iteration)
    assert isinstance(gp.psro("kuhn_2p", "nash", n=4).plot_population(), Figure)


def test_the_room_of_runs_is_also_the_function(tmp_path):
    import workbench.runs.directory as directory
    from workbench.runs import locks  # noqa: F401

    gp.solve("kuhn_2p", "cfr+", n=10, out=tmp_path / "one")
    (row,) = found = gp.runs(tmp_path)
    assert (row["run"], row["game"], row["algo"], row["status"]) == (str(tmp_path / "one"), "kuhn_2p", "cfr+", "done")
    assert found.views[0].settings["updates"] == "alternating" and "<table" in found._repr_html_()
    assert directory.RunDirectory.open(tmp_path / "one") and repr(found).startswith("Runs(")


def test_plan_is_what_the_command_does(tmp_path):
    from workbench.commands.plan import plan

    told = CliRunner().invoke(plan, ["kg-walk", "--planner", "flare", "--jobs", "1", "--out", str(tmp_path / "a"), "--json",
                                     "--episodes", "3", "--seed", "5", "--simulations", "20", "--set", "H=2"],
                              standalone_mode=False)  # fmt: skip
    record = json.loads(told.stdout)
    here = gp.plan("kg-walk", "flare", 3, seed=5, budget=gp.Budget(simulations=20), params={"H": 2})
    assert here.scores == tuple(line["score"] for line in record["episodes"])
    assert here.cost == record["cost"] and here.mean == record["mean"] and here.record["params"] == record["params"]


def test_planning_in_memory_writes_nothing_and_keeps_what_was_played(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def stop(progress):
        if progress.done >= 2:
            raise KeyboardInterrupt

    result = gp.plan("2048-2x3", "random", episodes=400, progress=stop)
    assert result.status == "interrupted" and 2 <= len(result.scores) < 400 and result.mean == np.mean(result.scores)
    assert not list(tmp_path.iterdir())
    assert [row["score"] for row in result.rows()] == list(result.scores) and "expansions" in result.rows()[0]


def test_levels_of_a_file_are_played_from_memory(tmp_path):
    levels = tmp_path / "mine.xsb"
    levels.write_text("#####\n#@$.#\n#####\n")
    result = gp.plan("sokoban", "astar", options=gp.PlanOptions(world={"levels": str(levels)}))
    assert result.solved == 1 and result.episodes[0]["solution"] == "R"


@pytest.mark.slow  # to compile
def test_a_value_that_was_learned_in_memory_is_planned_with(tmp_path):
    options = gp.TrainOptions(episodes=5)
    result = gp.train("2048-2x3", "td", updates=4, options=options)
    assert result.learned == ("value",) and result.updates == 4 and len(result.curve) == 4 and result.run is None
    again = gp.train("2048-2x3", "td", updates=4, options=options, out=tmp_path / "run")
    assert again.file("value").read_bytes() == result.file("value").read_bytes() and again.score == result.score
    mine = gp.plan("2048-2x3", "expectimax", 4, learned={"value": result}, params={"depth": 1})
    theirs = gp.plan("2048-2x3", "expectimax", 4, learned={"value": tmp_path / "run"}, params={"depth": 1})
    plain = gp.plan("2048-2x3", "expectimax", 4, params={"depth": 1})
    assert mine.scores == theirs.scores != plain.scores
    for wrong, told in (({"policy": result}, "no policy|takes no learned"), ({"valeu": result}, "legal are")):
        with pytest.raises(gp.UsageError, match=told):
            gp.plan("2048-2x3", "expectimax", 1, learned=wrong)
    assert result.plot().axes[0].get_ylabel() == "score while learning"


@pytest.mark.slow  # to compile
def test_learning_that_is_interrupted_has_learned_something():
    def stop(progress):
        if progress.done >= 2:
            raise KeyboardInterrupt

    result = gp.train("2048-2x3", "td", updates=10**6, options=gp.TrainOptions(episodes=5), progress=stop)
    assert result.status == "interrupted" and result.score is None and result.updates >= 2
    assert gp.plan("2048-2x3", "expectimax", 1, learned={"value": result}).status == "done"


def test_the_critic_is_what_the_command_asks():
    from workbench.commands.critic import critic

    board = "2 4 2/4 2 0"
    told = CliRunner().invoke(critic, ["2048-2x3", "--board", board, "-m", "50", "--seed", "3", "--policy", "legal", "--json"],
                              standalone_mode=False)  # fmt: skip
    record = json.loads(told.stdout)
    result = gp.critic("2048-2x3", board, rollouts=50, seed=3, policy="legal", jobs=1)
    assert result.record == {key: record[key] for key in result.record}
    assert result.best == max(result.actions, key=lambda row: row["value"])["action"] and "4" in result.board
    with pytest.raises(gp.UsageError, match="did you mean 'legal'"):
        gp.critic("2048-2x3", policy="leagl")


def test_compare_is_what_the_command_does(tmp_path):
    from workbench.commands.compare import compare as command_of_comparisons

    told = CliRunner().invoke(command_of_comparisons, ["kuhn_2p", "kuhn_3p", "--algos", "cfr,cfr+", "-n", "50", "--jobs", "1",
                              "--engine", "threads", "--out", str(tmp_path / "a"), "--json"], standalone_mode=False)  # fmt: skip
    record = json.loads(told.stdout)
    here = gp.compare(["kuhn_2p", "kuhn_3p"], ["cfr", "cfr+"], n=50)
    there = gp.compare(["kuhn_2p", "kuhn_3p"], ["cfr", "cfr+"], n=50, out=tmp_path / "b")
    for result in (here, there):
        assert (result.best, result.record["counts"]) == (record["best"], record["counts"])
        for game, row in record["cells"].items():
            for algo, cell in row.items():
                assert result.record["cells"][game][algo]["exploitability"] == cell["exploitability"]
    assert here.run is None and "run" not in json.dumps(here.record["cells"]) and (tmp_path / "b" / "table.md").exists()
    assert len(here.rows()) == 4 and here.matches == {"cfr": 0, "cfr+": 2} and "cfr+" in here._repr_html_()
    assert len(here.plot().axes) >= 2


def test_a_comparison_that_is_interrupted_has_what_was_done():
    def stop(progress):
        if progress.done >= 2:
            raise KeyboardInterrupt

    games = gp.compare("kuhn_2p", ["cfr", "cfr+", "lcfr", "dcfr"], n=20, progress=stop)
    worlds = gp.compare_planners("kg-walk", ["greedy", "flare"], [5, 10], episodes=2, progress=stop)
    for result in (games, worlds):
        assert result.status == "interrupted" and 1 <= len(result.rows()) < 4 and result.plot()


@pytest.mark.slow  # to compile
def test_planners_and_methods_are_compared():
    result = gp.compare_planners("kg-walk", ["greedy", "flare"], [10], episodes=4)
    alone = gp.plan("kg-walk", "flare", 4, budget=gp.Budget(simulations=10))
    assert [row["planner"] for row in result.rows()] == ["greedy", "flare"] and result.rows()[1]["mean"] == alone.mean
    learned = gp.compare_methods("2048-2x3", ["td"], seeds=2, updates=3, options=gp.TrainOptions(episodes=3))
    assert [row["seeds"] for row in learned.rows()] == [2] and learned.status == "done" and learned.plot()
    with pytest.raises(gp.UsageError, match="did you mean 'flare'"):
        gp.compare_planners("kg-walk", ["flaer"])


@pytest.mark.slow
def test_programs_evolve(tmp_path):
    result = gp.evolve("tests/toy_task", 15, seed=3, out=tmp_path / "run", jobs=2, settings={"window": 2})
    assert result.evaluations == 15 and result.status == "done" and result.run == tmp_path / "run"
    assert [p.score for p in result.programs] == sorted((p.score for p in result.programs), reverse=True)
    assert result.best == result.programs[0] and result.best.source and result.plot() and "best" in repr(result)
    result.best.save(tmp_path / "best.py")
    assert (tmp_path / "best.py").read_text().startswith("# from gameplan evolve")
    with pytest.raises(gp.UsageError, match="did you mean 'horizon'"):
        gp.evolve("cfr", 1, settings={"horizn": 3})


@pytest.mark.slow  # to compile
def test_the_examples_of_the_door_run():
    import doctest
    import importlib
    import pkgutil

    import workbench.door

    names = [module.name for module in pkgutil.iter_modules(workbench.door.__path__)]
    ran = [doctest.testmod(importlib.import_module(f"workbench.door.{name}")) for name in names]
    assert sum(found.attempted for found in ran) > 10 and not sum(found.failed for found in ran)


@pytest.mark.slow  # to compile
def test_games_and_worlds_print_a_line():
    from games.worlds import WORLDS

    game = repr(gp.load_game("kuhn_2p"))
    assert "kuhn_poker(players=2)" in game and "58 histories" in game
    worlds = [gp.load_world(name) for name in WORLDS]
    instances = [world.instance(0) for world in worlds]
    for shown in (game, *map(repr, worlds), *map(repr, instances), *(repr(instance.model) for instance in instances)):
        assert len(shown) < 400 and "\n" not in shown and "array" not in shown and " object at " not in shown
    assert [world.name in repr(world) for world in worlds] == [True] * len(worlds)


def test_scores_are_drawn():
    panels = gp.plan("2048-2x3", "random", 20).plot().axes
    assert len(panels) == 3 and panels[0].get_xlabel() == "score"  # the third: how many reach each tile


def test_a_name_of_another_kind_is_told_what_it_is():
    for ask, told in (
        (lambda: gp.solve("kuhn_2p", "rm"), "rm is a meta-strategy solver: gameplan solve GAME --train rm"),
        (lambda: gp.compare("kuhn_2p", ["cfr", "mcts"]), "mcts is a planner: gameplan plan WORLD --planner mcts"),
        (lambda: gp.plan("2048", "vad-cfr"), "vad-cfr is an algorithm: gameplan solve GAME --algo vad-cfr"),
        (lambda: gp.train("kuhn_2p", "tc", updates=1), "kuhn_2p is a game: gameplan solve kuhn_2p"),
        (lambda: gp.solve("kuhn_2p", "vad-cfrr"), "did you mean"),
    ):
        with pytest.raises(gp.UsageError) as refused:
            ask()
        assert told in str(refused.value), str(refused.value)


def test_what_is_registered_has_a_name(tmp_path):
    rule = tmp_path / "mine.py"
    CliRunner().invoke(new_rule, [str(rule)], standalone_mode=False)
    gp.register("rule", "of-the-door", rule, "a rule of tests")
    by_name, by_path = gp.solve("kuhn_2p", "of-the-door", n=20), gp.solve("kuhn_2p", str(rule), n=20)
    assert by_name.policy.probabilities.tobytes() == by_path.policy.probabilities.tobytes()
    with pytest.raises(gp.UsageError, match="no kind of plug-in"):
        gp.register("ruel", "other", rule)
