"""What a person sees of solver runs and their comparisons."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from games.modules import short_name
from workbench.catalogue.families import AVERAGE, BEST, LAST
from workbench.comparison.place import labels
from workbench.comparison.solvers import cell_text, reported, said_of_repeats, said_of_seeds
from workbench.solving.forecast import iteration_at
from workbench.solving.run import BY_COUNT, BY_TIME, MISSED
from workbench.terminal.durations import format_duration
from workbench.terminal.printing import counted
from workbench.terminal.tables import print_fact, print_line, print_path, print_table

if TYPE_CHECKING:
    from workbench.views.matches import Matched

MOST_LINEUPS = 9  # that are shown one by one
NAMES = 16  # columns that the names of facts take


def print_run(record: dict[str, Any], metrics: Sequence[dict[str, Any]], timing: Sequence[dict[str, Any]]) -> None:
    """Print what a solver run has found: the curve in a few lines, the answer, why it ended, and where it is kept."""
    rows = list(curve_rows(record, metrics, {line["iteration"]: line["seconds"] for line in timing}))
    if len(rows) > 1:
        print_table(("iteration", "exploitability", "time"), rows, left=0, see="metrics.jsonl in the run directory")
    algo = Path(record["algo"]).name if record["algo"].endswith(".py") else record["algo"]
    print_line(f"{record['game']}  {algo}  {counted(record['iterations'], 'iteration')}  {record['status']}")
    if record.get("train"):
        train, evaluated = (short_name(record.get(role) or record["train"]) for role in ("train", "eval"))
        print_fact("solvers", f"train {train}, eval {evaluated}", NAMES)
    warmup = record["params"].get("warmup_iterations")
    if warmup and record["iterations"] > warmup:
        print_fact("warm-up", f"nothing is averaged in the first {counted(warmup, 'iteration')}: uniform until then", NAMES)
    print_fact("reported", said_iterate(record), NAMES)
    print_values(record)
    if "lock" in record:
        print_lock(record["lock"])
    if "proof" in record:
        known = f"proven by {record['proof']}" if record["proof"] else "not proven exact: see the exploitability"
        print_fact("value", f"{record['value']!r}  {known}", NAMES)
    if "cce_gap" in record:
        finer = f", {record['ce_gap']:.4g} from a correlated one" if "ce_gap" in record else ""
        print_fact("play", f"{record['cce_gap']:.4g} from a coarse correlated equilibrium{finer}", NAMES)
    if "lambda" in record:
        print_fact("residual", f"{record['residual']:.3g}  the furthest from a soft answer, lambda {record['lambda']:g}", NAMES)
    elif "residual" in record:
        print_fact("residual", f"{record['residual']:.3g}  the most to gain at an infoset, floor {record['floor']:.3g}", NAMES)
    ended, command = ending(record, metrics)
    if ended:
        print_fact("ended", ended, NAMES)
        print_path("go on", command, NAMES)
    print_path("run", record["run"], NAMES)


def print_lock(lock: Mapping[str, Any]) -> None:
    """Print whose play was locked, what all win when it is, and what the policy is worth in the game itself."""
    where = counted(lock["infosets"], "infoset") + (f" with {lock['pattern']}" if lock["pattern"] else "")
    sure = "" if lock["probability"] == 1.0 else f", with probability {lock['probability']:g}"
    print_fact("locked", f"player {lock['player']} at {where}{sure}", NAMES)
    print_path("to", lock["policy"], NAMES)
    print_fact("values then", "  ".join(f"{value:.10g}" for value in lock["wins"]), NAMES)
    print_fact("in the game", f"exploitability {lock['exploitability']:.10g}  NashConv {lock['nash_conv']:.10g}", NAMES)
    print_fact("best responses", "  ".join(f"{value:.10g}" for value in lock["best_responses"]), NAMES)


def said_iterate(record: Mapping[str, Any]) -> str:
    """Return which policy a record is about."""
    iterate = record.get("iterate") or AVERAGE  # runs of earlier versions had no other
    when = f", of iteration {record['best_iteration']:,}" if iterate == BEST else ""
    return f"the {iterate}{' iterate' if iterate in (LAST, BEST) else ''}{when}"


def curve_rows(
    record: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]], seconds: Mapping[int, float]
) -> Iterator[tuple[str, str, str]]:
    """Yield (iterations, exploitability, time) at 1, 2, 5, 10 ..., the last one too; rows that say the same are one."""
    wanted = {int(f"{digit}{'0' * zeros}") for digit in (1, 2, 5) for zeros in range(12)} | {record["iterations"]}
    chosen = [line for line in metrics if line["iteration"] in wanted or len(metrics) < 12]
    for shown, alike in groupby(chosen, lambda line: f"{line['exploitability']:.6g}"):
        numbers = [line["iteration"] for line in alike]
        span = f"{numbers[0]:,} to {numbers[-1]:,}" if len(numbers) > 1 else f"{numbers[0]:,}"
        yield span, shown, format_duration(seconds.get(numbers[-1], 0.0))


def ending(record: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return what limit ended a run, and what to type for more; nothing where that was what was asked for."""
    by, done, missed = record["ended_by"], record["iterations"], record["status"] == MISSED
    if by not in (BY_COUNT, BY_TIME) or (by == BY_COUNT and not missed):
        return "", ""
    limit = f"-n {done:,} was done" if by == BY_COUNT else f"the time limit of {format_duration(record['time_limit'])} was up"
    goal = iteration_at([(line["iteration"], line["exploitability"]) for line in metrics], record["target"]) if missed else None
    text = f"target {record['target']:g} missed: {limit}" if missed else limit
    if goal is not None:
        text += f"; as the curve goes, it is reached at about iteration {round_up(goal):,}"
    more = max(2.0, (goal or 0.0) / max(1, done))
    longer = f"-n {round_up(more * done)}" if by == BY_COUNT else f"--time-limit {round_up(more * record['time_limit'])}s"
    return text, f"gameplan solve --resume {shlex.quote(record['run'])} {longer}"


def round_up(value: float) -> int:
    """Return the next whole number with two digits that count."""
    whole = -int(-value // 1)
    size = 10 ** max(0, len(str(whole)) - 2)
    return -(-whole // size) * size


def print_values(record: dict[str, Any]) -> None:
    """Print exploitability, NashConv and the players' values of a record."""
    print_fact("exploitability", f"{record['exploitability']:.10g}", NAMES)
    print_fact("NashConv", f"{record['nash_conv']:.10g}", NAMES)
    print_fact("values", "  ".join(f"{value:.10g}" for value in record["values"]), NAMES)


def print_responses(record: dict[str, Any]) -> None:
    """Print what best responses to a policy win."""
    columns = (record["players"], record["values"], record["best_responses"], record["gains"])
    rows = [[str(p), *(f"{number:.10g}" for number in numbers)] for p, *numbers in zip(*columns, strict=True)]
    print_table(["player", "value", "best response", "gain"], rows)
    if record["file"] is not None:
        print_path("policy", record["file"])


def print_matches(found: "Matched") -> None:
    """Print what policies win against each other, the values in every seat where there are few, and how they are ranked."""
    nothing = 1e-13 * max((abs(number) for _, values in found.lineups for number in values), default=0.0)  # rounding
    table = np.where(np.abs(found.table) <= nothing, 0.0, found.table).tolist()
    rows = [[label, *(f"{number:.6g}" for number in line)] for label, line in zip(found.labels, table, strict=True)]
    print_table(["one seat \\ all others", *found.labels], rows)
    if len(found.lineups) <= MOST_LINEUPS:
        seats = range(len(found.lineups[0][0]))
        rows = [[*(found.labels[k] for k in lineup), *(f"{number:.10g}" for number in values)] for lineup, values in found.lineups]
        print_table([*(f"seat {k}" for k in seats), *(f"value {k}" for k in seats)], rows, left=len(seats))
    else:
        print_line("the values in every seat are shown by --json")
    if found.shares is not None and found.worth is not None:
        order = np.lexsort((-found.shares, -found.worth))
        rows = [[found.labels[k], f"{found.shares[k]:.4f}", f"{found.worth[k]:.6g}"] for k in order.tolist()]
        print_table(["Nash averaging", "share", "wins"], rows)


def print_comparison(summary: dict[str, Any]) -> None:
    """Print a comparison on stdout: games down and algorithms across, or turned round where that fits the terminal better."""
    algos, games, cells, best = (summary[key] for key in ("algos", "games", "cells", "best"))
    called = labels(algos)

    def text(game: str, algo: str) -> str:
        cell = cells.get(game, {}).get(algo)
        if cell is None or cell["exploitability"] is None:
            return "- "
        return cell_text(cell) + ("*" if best.get(game) == algo else " ")

    counts = [summary["counts"][algo] for algo in algos]
    rows = [[game, *(text(game, algo) for algo in algos)] for game in games]
    rows.append(["matches or beats", *(f"{n['matches']}/{n['ran']} " if n["ran"] else "- " for n in counts)])
    strong = {(i, k + 1) for i, game in enumerate(games) for k, algo in enumerate(algos) if best.get(game) == algo}
    print_table(["game", *called.values()], rows, strong=strong)
    if best:
        print_line("* best of its game; matches: within a factor 2 of the best, or both below 1e-12")
        if note := said_of_repeats(summary):
            print_line(note)
        if note := said_of_seeds(summary):
            print_line(f"over seeds: {note}")
        print_line(f"reported: {reported(summary)}")
    reasons: dict[str, list[str]] = {}
    for game, row in cells.items():
        for algo, cell in row.items():
            if cell["exploitability"] is None:
                reasons.setdefault(cell["reason"], []).append(f"{game} {called[algo]}")
    for reason, where in reasons.items():
        print_line(f"- {', '.join(where)}: {reason}")
