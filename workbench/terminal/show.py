"""How runs and policies look in a terminal."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from games.errors import GameplanError
from workbench.terminal.printing import counted, echo
from workbench.terminal.runs import assigned, done, figure, seconds, started, status
from workbench.terminal.tables import print_fact, print_line, print_path, print_table
from workbench.views.policy import Choice, InfosetRow, PolicyView, differences
from workbench.views.runs import COMPARE, DAMAGED, DISTILL, EVOLVE, PLAN, PSRO, SOLVE, TRAIN, TRAIN_LM, RunView

NAMES = 16  # columns that the names of facts take
LEAST = 5e-4  # probabilities below are not shown


def print_run_view(view: RunView, result: dict[str, Any] | None) -> None:
    """Print what there is to know of a run: when and how it was started, and what its command has said at its end."""
    if view.status == DAMAGED:  # of which kind it is, is not known then
        raise GameplanError(view.note)
    print_fact("kind", f"{view.kind}, started {started(view)}", NAMES)
    if view.settings:
        print_fact("settings", assigned({k: v for k, v in view.settings.items() if v not in (None, "")}), NAMES)
    if result is None:
        print_fact("status", status(view), NAMES)
        print_fact(view.unit or "result", figure(view), NAMES)
        print_fact("done", f"{done(view)} in {seconds(view)}", NAMES)
        print_path("run", str(view.path), NAMES)
        return
    try:
        _PRINTERS[view.kind](view.path, result)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, ArithmeticError) as error:
        raise GameplanError(f"the result in {view.path} is not what this version writes; see it with --json") from error


def _solved(path: Path, result: dict[str, Any]) -> None:
    from workbench.runs import formats
    from workbench.runs.directory import METRICS, TIMING, RunDirectory
    from workbench.terminal.solve import print_run

    run = RunDirectory(path)
    before: dict[str, Any] = {
        "params": {},
        "ended_by": "",
        "target": None,
        "time_limit": None,
    }  # what results of earlier versions have not
    print_run({**before, **result}, run.read_lines(METRICS), run.read_lines(TIMING, formats.TIME))


def _planned(_path: Path, result: dict[str, Any]) -> None:
    from workbench.terminal.plan import print_plan

    print_plan(result)


def _trained(_path: Path, result: dict[str, Any]) -> None:
    from workbench.terminal.train import print_training

    print_training(result)


def _modelled(_path: Path, result: dict[str, Any]) -> None:
    from workbench.terminal.train import print_language

    print_language({"agreement": None, **result})


def _distilled(_path: Path, result: dict[str, Any]) -> None:
    from workbench.terminal.distill import print_distill

    print_distill(result)


def _discovered(_path: Path, result: dict[str, Any]) -> None:
    from workbench.terminal.evolve import print_discovery

    print_discovery(result)


def _compared(path: Path, table: dict[str, Any]) -> None:
    """Print the table of a comparison: of solvers, planners, methods of learning, or operators of discovery."""
    if "cells" in table:
        from workbench.terminal.solve import print_comparison

        print_comparison(table)
    elif "checkpoints" in table:
        from workbench.discovery.analysis import compare as operators

        header, rows = operators.table(table)
        print_table(header, rows)
        _notes(operators.notes(table))
    else:
        from workbench.comparison import methods, planners

        header, rows, notes = (planners if "envs" in table else methods).table(table)
        print_table(header, rows, left=2, spare=methods.SPARE)
        _notes(notes)
    print_path("run", str(path), NAMES)


def _notes(notes: Sequence[str]) -> None:
    for note in notes:
        print_line(f"- {note}")


_PRINTERS: Mapping[str, Callable[[Path, dict[str, Any]], None]] = {
    SOLVE: _solved, PSRO: _solved, PLAN: _planned, TRAIN: _trained, TRAIN_LM: _modelled, DISTILL: _distilled,
    COMPARE: _compared, EVOLVE: _discovered,
}  # fmt: skip


def print_population(mixtures: Sequence[Mapping[str, Any]], out: Path | None) -> None:
    """Print supports and exploitabilities of a population's mixtures."""
    kinds = [kind for kind in ("eval", "train", "uniform", "population") if any(r[kind] is not None for r in mixtures)]
    rows = [
        (f"{r['iteration']}", " ".join(map(str, r["support"])), *("" if r[kind] is None else f"{r[kind]:.4g}" for kind in kinds))
        for r in mixtures
    ]
    header = ("iteration", "support", *kinds)
    print_table(header, rows, left=0, prose=("support",), title="exploitability of each mixture of the population")
    if out is not None:
        print_path("figure", str(out), NAMES)


def print_policy_facts(policy: PolicyView) -> None:
    """Print whose policy it is and what it is worth."""
    from workbench.terminal.solve import print_values

    evaluation = policy.evaluation
    print_fact("policy", f"{policy.game.name}, {counted(policy.game.players, 'player')}", NAMES)
    print_values(
        {"exploitability": evaluation.exploitability, "nash_conv": evaluation.nash_conv, "values": list(evaluation.values)}
    )
    if policy.missing:
        total = sum(policy.game.infosets)
        print_fact("missing", f"{policy.missing:,} of {counted(total, 'infoset')}, played uniformly", NAMES)


def print_policy(policy: PolicyView, wanted: Choice, each: bool) -> None:
    """Print what is played in the infosets that are `wanted`; with `each` a row for every action."""
    rows, matching = policy.chosen(wanted)
    echo()
    if not matching:
        print_line("no infoset is meant; leave out a filter")
        return
    if each:
        header = ("player", "infoset", "action", "probability", "value", "regret")
        print_table(header, [line for row in rows for line in _actions(row)], left=3, prose=("infoset",), spare=("value",))
    else:
        last = "loss" if wanted.sort == "loss" else "regret"
        shown = [(str(row.player), row.label, play(row), f"{row.reach:.3g}", f"{getattr(row, last):.2e}") for row in rows]
        print_table(("player", "infoset", "play", "reach", last), shown, left=3, prose=("infoset", "play"))
    how = {
        "reach": "those that are reached most", "regret": "those of the largest regret", "game": "in the order of the game",
        "loss": "those that lose most",
    }  # fmt: skip
    if len(rows) < matching:
        print_line(
            f"{len(rows)} of {counted(matching, 'infoset')}, {how[wanted.sort]}; --rows, --player, --infoset and --min-reach "
            "choose others"
        )
    if wanted.sort == "loss" and not each:
        print_line(
            f"reach: how often play comes there; loss: what the choice there gives away to a best response, of NashConv; these "
            f"{counted(len(rows), 'infoset')} lose {sum(row.loss for row in rows):.4g} of {policy.evaluation.nash_conv:.4g}"
        )
        return
    print_line(
        "reach: how often play comes there; regret: what the best action would gain there, times how often chance and the "
        "others lead there"
    )


def print_differences(view: PolicyView, other: PolicyView, wanted: Choice) -> None:
    """Print the infosets that two policies play differently, those that matter most first."""
    rows, count = differences(view, other, wanted)
    echo()
    if not count:
        print_line(f"{other.source} plays the same in every infoset that is meant")
        return
    shown = [
        (str(row.player), row.label, play(row), play(row._replace(probabilities=others)), f"{row.reach:.3g}", f"{distance:.3f}")
        for row, others, distance in rows
    ]
    header = ("player", "infoset", "play", "against", "reach", "distance")
    print_table(header, shown, left=4, prose=("infoset", "play", "against"), spare=("reach",))
    some = f"{len(rows)} of " if len(rows) < count else ""
    print_line(
        f"{some}{counted(count, 'infoset')} played otherwise by {other.source}; distance: half the sum of the differences of "
        "probabilities; first those where distance times reach is greatest"
    )


def play(row: InfosetRow) -> str:
    """Return what is played in an infoset: an action, or several with their probabilities."""
    pairs = [(name, p) for name, p in zip(row.names, row.probabilities, strict=True) if p >= LEAST]
    return pairs[0][0] if len(pairs) == 1 else ", ".join(f"{name} {p:.3f}" for name, p in pairs)


def _actions(row: InfosetRow) -> list[tuple[str, ...]]:
    lines = zip(row.names, row.probabilities, row.values, row.regrets, strict=True)
    return [(str(row.player), row.label, name, f"{p:.4g}", f"{value:.4g}", f"{regret:.2e}") for name, p, value, regret in lines]
