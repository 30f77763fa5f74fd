"""Verification: programs on held-out instances and at other horizons, beside every published program.

A search that looks at few instances after one number of iterations finds what is good there. A program is flagged when its place
among the published ones gets worse elsewhere. It *does not hold up* if, on the training instances at another horizon or with
jittered payoffs, or on held-out instances, its place gets worse by the margin and it loses over a decade more than the median
published program does; if it fails there; or if, measured again, it is over half a decade worse than the run says.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from games.errors import UsageError, did_you_mean
from workbench.discovery.analysis.scoring import UNSTABLE, Place, Scorer, stored, values_at
from workbench.discovery.books.journal import ENGINE
from workbench.discovery.books.store import Evaluation, StoredProgram
from workbench.discovery.population.ranking import average_score, log_score
from workbench.discovery.task import Task

MARGIN = 2  # a program is flagged when it loses at least so many places
LOSS = 1.0  # decades of mean cost that a program may lose beyond what the median published program loses
AGAIN = 0.5  # decades by which a score measured again may be worse: rounding may tip a tie on another machine
HOLDS, FALLS = "holds up", "does not hold up"
JITTER = 1  # the number of the jittered games
ROUNDING = 1e-14  # costs below count as equal when places are compared


def horizons_around(horizon: int) -> list[int]:
    """Return a quarter of the training horizon, itself, and four times it."""
    return sorted({max(1, horizon // 4), horizon, 4 * horizon})


def expand_instances(task: Task, names: Sequence[str]) -> list[str]:
    """Return the instances that `names` mean: the task's suites, ``train``, ``held-out``, and instances by name.

    Raises
    ------
    UsageError
        If the task knows no such instance.
    """
    groups = {"train": task.train, "held-out": task.held_out}
    found = [instance for name in names for instance in groups.get(name, (name,))]
    expand = getattr(task, "expand", None)  # of tasks with suites, or with instances beyond those named here
    if expand is not None:
        found = list(expand(found))
    else:
        legal = [*task.train, *task.held_out]
        for name in found:
            if name not in legal:
                raise UsageError(f"unknown instance {name!r}{did_you_mean(name, legal)}; legal are {', '.join([*groups, *legal])}")
    return list(dict.fromkeys(found))


def verify(
    scorer: Scorer,
    task: Task,
    programs: Mapping[str, StoredProgram],
    *,
    horizon: int,
    held_out: Sequence[str] | None = None,
    horizons: Sequence[int] = (),
    known: Mapping[str, str] | None = None,
    margin: int = MARGIN,
    tell: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """Return the table of `programs` (name -> program) and the published ones on training and held-out instances.

    Parameters
    ----------
    scorer : Scorer
        Measures what its store does not have; the look at the held-out instances is recorded there.
    horizon : int
        The training horizon.
    held_out : sequence of str, optional
        Instances in place of the task's held-out ones; those of training are left out.
    horizons : sequence of int, optional
        By default a quarter of the training horizon, itself, and four times it.
    known : mapping, optional
        Published programs in place of the task's.
    margin : int
        How many places a program may lose before it is flagged.
    """
    groups = {
        "train": list(task.train),
        "held_out": [name for name in (task.held_out if held_out is None else held_out) if name not in task.train],
    }
    lengths = sorted({horizon, *(horizons or horizons_around(horizon))})
    published = {name: stored(task, source) for name, source in (task.known() if known is None else known).items()}
    rows = {**published, **{name: program for name, program in programs.items() if name not in published}}
    places: list[Place] = [(instance, length) for length in lengths for instances in groups.values() for instance in instances]
    jitter = getattr(task, "jittered", None)
    jittered = [jitter(name, JITTER) for name in task.train] if jitter is not None else []
    places += [(instance, horizon) for instance in jittered]
    if scorer.store is not None:
        with scorer.store.transaction():
            scorer.store.add_look([p.id for p in rows.values()], groups["held_out"], lengths)
    names: dict[str, list[str]] = {}
    for name, program in rows.items():
        names.setdefault(program.id, []).append(name)
    first = [program for name, program in rows.items() if name in published]
    others = [program for name, program in rows.items() if name not in published]
    costs = scorer.costs(first, places, lambda program: tell(names[program][0]))  # what these take says what others may take
    costs |= scorer.costs(others, places, lambda program: tell(names[program][0]))
    conditions = {f"at {n}": [(i, n) for i in task.train] for n in lengths if n != horizon}
    conditions |= {"on held-out instances": [(i, horizon) for i in groups["held_out"]]} if groups["held_out"] else {}
    conditions |= {"with jittered payoffs": [(i, horizon) for i in jittered]} if jittered else {}
    trained = _trained(scorer, task, horizon)
    made = [_row(name, program, name in published, costs[program.id], groups, lengths) for name, program in rows.items()]
    for row in made:
        row["places"] = _places(row, made, groups, lengths)
        row["flags"] = _flags(row["places"], horizon, lengths, margin)
        rivals = [costs[other["program"]] for other in made if other["known"] and other["program"] != row["program"]]
        row["reasons"] = falls(
            costs[row["program"]], rivals, [(i, horizon) for i in task.train], conditions, margin, trained.get(row["program"])
        )
        row["verdict"] = FALLS if row["reasons"] else HOLDS
    return {
        "jittered": {row["name"]: {i: costs[row["program"]][i, horizon].value for i in jittered} for row in made},
        "task": task.name, "measure": task.measure, "horizon": horizon, "horizons": lengths, "margin": margin, **groups,
        "rows": sorted(made, key=lambda row: -(row["log"]["train"][str(horizon)] or -1e9)),
        "looks": len(scorer.store.looks()) if scorer.store is not None else 1,
        "isolation": sorted(scorer.levels), "seconds": scorer.seconds,
    }  # fmt: skip


def _row(
    name: str, program: StoredProgram, known: bool, costs: Mapping[Place, Evaluation], groups: Mapping[str, Sequence[str]],
    lengths: Sequence[int],
) -> dict[str, Any]:  # fmt: skip
    def scores(kind: Callable[[Mapping[str, float]], float]) -> dict[str, dict[str, float | None]]:
        return {
            group: {str(n): kind(values) if (values := values_at(costs, instances, n)) else None for n in lengths}
            for group, instances in groups.items()
        }

    return {
        "name": name, "program": program.id, "size": program.size, "known": known,
        "values": {i: {str(n): costs[i, n].value for n in lengths} for g in groups.values() for i in g},
        "failures": {f"{i} at {n}": f"{e.status} {e.reason}".strip() for (i, n), e in costs.items() if e.value is None},
        "log": scores(log_score), "average": scores(average_score),
    }  # fmt: skip


def _places(
    row: dict[str, Any], rows: Sequence[dict[str, Any]], groups: Mapping[str, Sequence[str]], lengths: Sequence[int]
) -> dict[str, dict[str, int | None]]:
    """Return 1 + the number of other published programs that are better, by group and horizon; relatives do not count."""
    rivals = [other for other in rows if other["known"] and other["program"] != row["program"]]

    def score(of: dict[str, Any], instances: Sequence[str], n: int) -> float | None:
        values = {name: of["values"][name][str(n)] for name in instances}
        return None if None in values.values() or not values else log_score({k: max(v, ROUNDING) for k, v in values.items()})

    found: dict[str, dict[str, int | None]] = {}
    for group, instances in groups.items():
        found[group] = {}
        for n in lengths:
            own = score(row, instances, n)
            others = [s for other in rivals if (s := score(other, instances, n)) is not None]
            found[group][str(n)] = None if own is None else 1 + sum(s > own for s in others)
    return found


def _score(costs: Mapping[Place, Evaluation], places: Sequence[Place]) -> float | None:
    """Return minus the mean log cost, costs at rounding level all the same; None if one is missing."""
    values = {f"{i} {n}": costs[i, n].value for i, n in places}
    found = {key: max(value, ROUNDING) for key, value in values.items() if value is not None}
    return log_score(found) if found and len(found) == len(values) else None


def falls(
    own: Mapping[Place, Evaluation],
    rivals: Sequence[Mapping[Place, Evaluation]],
    training: Sequence[Place],
    conditions: Mapping[str, Sequence[Place]],
    margin: int,
    trained: float | None = None,
) -> list[str]:
    """Return why a program does not hold up, see the module; `trained` is its score in the run."""
    here = _score(own, training)
    if here is None:
        return ["no score in training"]
    reasons = []
    if trained is not None and trained - here > AGAIN:
        reasons.append(f"its score is {here:.2f} when it is measured again, and {trained:.2f} in the run")
    for where, places in conditions.items():
        there = _score(own, places)
        if there is None:
            reasons += [f"it fails {where}"] if any(_fails(own[place]) for place in places) else []
            continue
        scores = [(_score(rival, training), _score(rival, places)) for rival in rivals]
        known = [(before, after) for before, after in scores if before is not None and after is not None]
        if not known:
            continue
        lost = here - there - statistics.median(before - after for before, after in known)
        place = 1 + sum(before > here for before, _ in known)
        fallen = 1 + sum(after > there for _, after in known)
        if fallen - place >= margin and lost > LOSS:
            reasons.append(f"place {place} falls to {fallen} {where}, with {lost:.1f} decades more lost than by the median program")
    return reasons


def _fails(found: Evaluation) -> bool:
    """Whether a program itself is why there is no cost; what the machine did not allow is no fault of it."""
    return found.value is None and found.status not in UNSTABLE


def _trained(scorer: Scorer, task: Task, horizon: int) -> dict[str, float]:
    """Return the scores that the run has on record, by program."""
    costs: dict[str, dict[str, float]] = {}
    for e in scorer.store.evaluations("score") if scorer.store is not None else ():
        if (
            e.horizon == horizon
            and e.seed == scorer.seed
            and e.engine == ENGINE
            and e.value is not None
            and e.instance in task.train
        ):
            costs.setdefault(e.program, {})[e.instance] = max(e.value, ROUNDING)
    return {program: log_score(values) for program, values in costs.items() if len(values) == len(task.train)}


def _flags(places: Mapping[str, Mapping[str, int | None]], horizon: int, lengths: Sequence[int], margin: int) -> list[str]:
    """Say where a program's place is worse by the margin than on the training instances after the training horizon."""
    here = places["train"][str(horizon)]
    if here is None:
        return ["no score in training"]
    flags = []
    for group, n in [("train", n) for n in lengths if n != horizon] + [("held_out", n) for n in lengths]:
        there = places[group][str(n)]
        where = f"{'training' if group == 'train' else 'held-out'} instances at {n}"
        if there is not None and there - here >= margin:
            flags.append(f"place {here} falls to {there} on {where}")
    return flags


def table(record: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the summary: mean log10 cost by group and horizon, the plain average at the training horizon."""
    lengths, horizon = record["horizons"], str(record["horizon"])
    groups = [group for group in ("train", "held_out") if record[group]]
    title = {"train": "train", "held_out": "held-out"}
    header = ["program", "size", *(f"{title[g]} {n}" for g in groups for n in lengths)]
    header += [f"{title[g]} average {horizon}" for g in groups] + ["places", "flag"]
    rows = []
    for row in record["rows"]:
        cells = [row["name"] + ("" if row["known"] else " *"), str(row["size"])]
        cells += [_number(row["log"][g][str(n)], "{:.2f}") for g in groups for n in lengths]
        cells += [_number(row["average"][g][horizon] and -row["average"][g][horizon], "{:.2e}") for g in groups]
        cells.append(" ".join("/".join(str(row["places"][g][str(n)] or "-") for n in lengths) for g in groups))
        rows.append([*cells, FALLS if row.get("reasons") else "drops" if row["flags"] else ""])
    return header, rows


def details(record: dict[str, Any], horizon: int) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the costs on every instance after one horizon."""
    instances = [*record["train"], *record["held_out"]]
    rows = [[row["name"], *(_number(row["values"][i][str(horizon)], "{:.1e}") for i in instances)] for row in record["rows"]]
    return ["program", *instances], rows


def notes(record: dict[str, Any]) -> list[str]:
    """Return what has to be said beside the table."""
    found = [
        f"scores are minus mean log10 {record['measure']}, higher is better; averages are costs; places, by horizon, are among the "
        "published programs"
    ]
    for row in record["rows"]:
        if row.get("reasons"):
            found.append(f"{row['name']} does not hold up: {'; '.join(row['reasons'])}")
        if row["flags"]:
            found.append(f"{row['name']} drops (by {record['margin']} places or more): {'; '.join(row['flags'])}")
        for where, reason in row["failures"].items():
            found.append(f"{row['name']} on {where}: {reason}")
    found.append(f"{record['looks']} {'look' if record['looks'] == 1 else 'looks'} at held-out instances in this run so far")
    return found


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
