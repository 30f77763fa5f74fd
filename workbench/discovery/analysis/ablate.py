"""Ablation: what in a program matters. Takes out every piece alone, then more and more of what matters least.

The result is the front of size against score, on training and held-out instances: programs that overfit their training instances
distil into smaller ones that do better elsewhere (arXiv 2602.16928, v3).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.discovery.analysis.ablations import Edit, Marked, find_edits
from workbench.discovery.analysis.scoring import Scorer, stored, values_at
from workbench.discovery.books.records import OK, Job
from workbench.discovery.books.store import StoredProgram
from workbench.discovery.isolation import examine
from workbench.discovery.population.ranking import average_score, log10_cost, log_score
from workbench.discovery.task import Task
from workbench.engines.jobs import run_jobs

WIDTH = 4  # removals tried at once on top of what is gone already
NEARLY = 0.05  # by how much a distilled program may be larger than the smallest, where that is better
PATIENCE = 2  # rounds of so many before the best one found is taken


@dataclass(frozen=True)
class Variant:
    """A program with some edits made: `program` has them folded in, `cheap` runs without compiling anew where it can."""

    edits: tuple[Edit, ...]
    program: StoredProgram
    cheap: StoredProgram
    fingerprint: str = ""


@dataclass
class Point:
    """A measured variant; None where it failed or was not measured."""

    variant: Variant
    train: float | None
    values: dict[str, float] = field(default_factory=dict)
    held_out: float | None = None
    held_out_values: dict[str, float] = field(default_factory=dict)

    def harm(self, before: "Point") -> float:
        """Return the decades lost against `before` in training: in the mean logarithm or in the average, whichever lost more.

        By the mean logarithm alone, a rule that is exact in small games and useless in a large one would count as distilled.
        """
        assert self.train is not None and before.train is not None
        averages = [log10_cost(-average_score(point.values)) for point in (self, before)]
        return max(before.train - self.train, averages[0] - averages[1])


@dataclass
class Ablation:
    """The ablation of one program; `run` does it and returns the record.

    Parameters
    ----------
    scorer : Scorer
        Measures; with a store, what it measures is kept there.
    task : Task
    horizon : int
    tolerance : float
        Decades that a distilled program may be worse in training.
    depth : float
        Decades worse at which removing ends.
    limit : int
        Most programs that are measured while removals are combined.
    tell : callable
        Hears what is being done: a text, how much is done, of how much.
    """

    scorer: Scorer
    task: Task
    horizon: int
    held_out: Sequence[str]
    tolerance: float = 0.1
    depth: float = 1.5
    limit: int = 120
    tell: Callable[[str, int, int], None] = lambda text, done, total: None
    counts: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)  # why programs do not run, by id

    def run(self, name: str, source: str, *, every: bool = False, known: bool = False) -> dict[str, Any]:
        """Return the record of the ablation of `source`, called `name`.

        Parameters
        ----------
        every : bool
            Measure every single removal on held-out instances too, not only the front and the way to it.
        known : bool
            Set the published programs beside.
        """
        marked = Marked.of(source, self._plain())
        program = stored(self.task, source)
        whole = Variant((), program, program)
        works = self._examine([whole])
        if not works:
            return {**self._header(name, whole), "failed": self.reasons.get(whole.cheap.id, "it fails the static check")}
        base = works[0]
        edits = find_edits(marked)
        self.counts = {"edits": len(edits)}
        singles, idle = self._screen(marked, base, edits)
        points = self._measure([base, *singles])
        start, points = points[0], points[1:]
        if start.train is None:
            return {**self._header(name, base), "failed": self._reason(base)}
        path = self._remove(marked, start, points, idle)
        front = _front([start, *points, *path], lambda point: point.train)
        front = self._refine(front)
        looked = front + [point for point in [start, *path, *(points if every else ())] if point not in front]
        self._look(looked)
        shown = [start, *points, *path]
        distilled = self._distilled(start, [*front, *path])
        return {
            **self._header(name, base), "base": _record(start, start), "singles": _singles(points, start),
            "path": [_record(point, start) for point in path], "front": [_record(point, start) for point in front],
            "front_held_out": [_record(p, start) for p in _front(looked, lambda point: point.held_out)],
            "distilled": {**_record(distilled, start), "source": distilled.variant.program.source},
            "known": self._known() if known else [], "counts": {**self.counts, "points": len(shown)},
            "isolation": sorted(self.scorer.levels), "seconds": self.scorer.seconds,
        }  # fmt: skip

    def _header(self, name: str, base: Variant) -> dict[str, Any]:
        return {
            "name": name, "program": base.program.id, "task": self.task.name, "measure": self.task.measure, "horizon": self.horizon,
            "train": list(self.task.train), "held_out": list(self.held_out), "tolerance": self.tolerance, "failed": "",
        }  # fmt: skip

    def _plain(self) -> dict[str, str]:
        """Return the programs whose parts stand for "plain": the first published one and the default seed."""
        seeds, known = self.task.seeds(), self.task.known()
        found = dict([next(iter(known.items()))] if known else [])
        name = next(iter(seeds))
        return {**found, name: seeds[name]}

    def _variant(self, marked: Marked, edits: tuple[Edit, ...]) -> Variant:
        folded = stored(self.task, marked.without(edits))
        if edits and all(edit.what == "constant" for edit in edits):
            return Variant(edits, folded, stored(self.task, marked.without(edits, keep_constants=True)))
        return Variant(edits, folded, folded)

    def _examine(self, variants: Sequence[Variant]) -> list[Variant]:
        """Return the variants that pass the static check and run, with fingerprints, in the same order."""
        s = self.scorer
        jobs = {
            place: Job(s.task, variant.cheap.source, (), s.seed, s.limits, s.sandbox)
            for place, variant in enumerate(variants)
            if not self.task.problems(variant.cheap.source)
        }
        places = {id(job): place for place, job in jobs.items()}
        found: dict[int, Variant] = {}
        for job, outcome in run_jobs(self.scorer.executor, examine, list(jobs.values()), self.scorer.stop):
            if isinstance(outcome, BaseException):
                raise outcome
            variant = variants[places[id(job)]]
            if outcome.status == OK:
                found[places[id(job)]] = Variant(variant.edits, variant.program, variant.cheap, outcome.fingerprint)
            else:
                self.reasons[variant.cheap.id] = f"{outcome.status} {outcome.reason}".strip()
        return [found[place] for place in sorted(found)]

    def _screen(self, marked: Marked, base: Variant, edits: Sequence[Edit]) -> tuple[list[Variant], list[Edit]]:
        """Return the single removals that change behaviour, each behaviour once, and the edits that change none."""
        built: dict[str, Variant] = {}
        idle: list[Edit] = []
        for done, edit in enumerate(edits):
            self.tell("taking apart", done, len(edits))
            variant = self._variant(marked, (edit,))
            same = built.get(variant.program.id)
            if variant.program.id == base.program.id:
                idle.append(edit)
            elif same is None or len(edit.words) < len(same.edits[0].words):
                built[variant.program.id] = variant
        works = self._examine(list(built.values()))
        unique: dict[str, Variant] = {}
        for variant in works:
            if variant.fingerprint == base.fingerprint:
                idle.append(variant.edits[0])
            elif variant.fingerprint not in unique or variant.program.size < unique[variant.fingerprint].program.size:
                unique[variant.fingerprint] = variant
        self.counts.update(programs=len(built), failed=len(built) - len(works), idle=len(idle), behaviours=len(unique))
        return list(unique.values()), idle

    def _measure(self, variants: Sequence[Variant], *, folded: bool = False) -> list[Point]:
        programs = [variant.program if folded else variant.cheap for variant in variants]
        done = 0

        def count(_program: str) -> None:
            nonlocal done
            done += 1
            self.tell("measuring", done, len(programs))

        costs = self.scorer.costs(programs, [(name, self.horizon) for name in self.task.train], count)
        points = []
        for variant, program in zip(variants, programs, strict=True):
            values = values_at(costs[program.id], self.task.train, self.horizon)
            points.append(Point(variant, log_score(values) if values else None, values or {}))
        return points

    def _remove(self, marked: Marked, start: Point, singles: Sequence[Point], idle: Sequence[Edit]) -> list[Point]:
        """Take out one piece after the other, the least harmful first, and return the programs on the way."""
        saving = {point.variant.edits[0]: start.variant.program.size - point.variant.program.size for point in singles}
        harm = {p.variant.edits[0]: p.harm(start) for p in singles if p.train is not None}
        harm.update(dict.fromkeys(idle, 0.0))
        current, path, measured = start, [], 0
        while harm and measured < self.limit:
            fresh: dict[Edit, Point] = {}
            for _ in range(PATIENCE):
                order = sorted((e for e in harm if e not in fresh), key=lambda e: (harm[e], -saving.get(e, 0), e.words))
                tried: list[Variant] = []
                for edit in order:
                    if len(tried) == WIDTH or current.harm(start) + harm[edit] > self.depth:
                        break
                    variant = self._variant(marked, (*current.variant.edits, edit))
                    if variant.program.size < current.variant.program.size:
                        tried.append(variant)
                    else:
                        del harm[edit]
                if not tried:
                    break
                works = self._examine(tried)
                for edit in {v.edits[-1] for v in tried} - {v.edits[-1] for v in works}:
                    del harm[edit]
                free = [v for v in works if v.fingerprint == current.variant.fingerprint]
                if free:  # what is gone already was all that made it matter
                    fresh = {free[0].edits[-1]: Point(free[0], current.train, current.values)}
                    break
                points = self._measure(works)
                measured += len(works)
                self.tell("combining", measured, self.limit)
                for point in points:
                    edit = point.variant.edits[-1]
                    if point.train is None:
                        del harm[edit]
                    else:
                        fresh[edit] = point
                        harm[edit] = point.harm(current)
                if fresh and min(harm[e] for e in fresh) <= min((harm[e] for e in harm if e not in fresh), default=0.0):
                    break
            if not fresh:
                break
            edit = min(fresh, key=lambda e: (fresh[e].harm(start), fresh[e].variant.program.size))
            if fresh[edit].harm(start) > self.depth:
                break
            current = fresh[edit]
            path.append(current)
            harm = {e: loss for e, loss in harm.items() if not e.excludes(edit)}
        self.counts["combined"] = measured
        return path

    def _refine(self, front: Sequence[Point]) -> list[Point]:
        """Measure the front's programs as they are printed: with the constants that were changed folded in."""
        return _front(self._measure([point.variant for point in front], folded=True), lambda point: point.train)

    def _look(self, points: Sequence[Point]) -> None:
        """Measure on held-out instances, and record that it was done."""
        if not self.held_out:
            return
        programs = [point.variant.program for point in points]
        if self.scorer.store is not None:
            with self.scorer.store.transaction():
                self.scorer.store.add_look([p.id for p in programs], list(self.held_out), [self.horizon])
        done = 0

        def count(_program: str) -> None:
            nonlocal done
            done += 1
            self.tell("held-out instances", done, len(programs))

        costs = self.scorer.costs(programs, [(name, self.horizon) for name in self.held_out], count)
        for point in points:
            values = values_at(costs[point.variant.program.id], self.held_out, self.horizon)
            point.held_out, point.held_out_values = (log_score(values), values) if values else (None, {})

    def _distilled(self, start: Point, points: Sequence[Point]) -> Point:
        """Return the smallest program within the tolerance or, if that is better in training, one nearly as small."""
        good = [start, *(p for p in points if p.train is not None and p.harm(start) <= self.tolerance)]
        enough = (1.0 + NEARLY) * min(p.variant.program.size for p in good)
        return min((p for p in good if p.variant.program.size <= enough), key=lambda p: (-(p.train or 0.0), p.variant.program.size))

    def _known(self) -> list[dict[str, Any]]:
        programs = {name: stored(self.task, source) for name, source in self.task.known().items()}
        variants = [Variant((), program, program) for program in programs.values()]
        points = self._measure(variants)
        self._look(points)
        return [{"name": name, **_record(point, None)} for name, point in zip(programs, points, strict=True)]

    def _reason(self, base: Variant) -> str:
        found = [self.scorer.known[base.cheap.id, name, self.horizon] for name in self.task.train]
        return "; ".join(f"{e.instance}: {e.status} {e.reason}".strip() for e in found if e.value is None)


def _front(points: Sequence[Point], score: Callable[[Point], float | None]) -> list[Point]:
    """Return the points that no smaller or equally small one matches, by size."""
    found: list[Point] = []
    best = -float("inf")
    for point in sorted(points, key=lambda p: (p.variant.program.size, -(score(p) or -float("inf")))):
        value = score(point)
        if value is not None and value > best:
            found.append(point)
            best = value
    return found


def _singles(points: Sequence[Point], start: Point) -> list[dict[str, Any]]:
    """Return the records of single removals, the most harmful first."""
    found = [_record(point, start) for point in points]
    return sorted(found, key=lambda row: -(row["loss"] if row["loss"] is not None else float("inf")))


def _record(point: Point, start: Point | None) -> dict[str, Any]:
    def loss(own: float | None, before: float | None) -> float | None:
        return None if own is None or before is None else before - own

    return {
        "program": point.variant.program.id, "size": point.variant.program.size,
        "removed": [edit.words for edit in point.variant.edits],
        "train": point.train, "held_out": point.held_out,
        "train_average": average_score(point.values) if point.values else None,
        "held_out_average": average_score(point.held_out_values) if point.held_out_values else None,
        "loss": loss(point.train, start.train) if start else None,
        "held_out_loss": loss(point.held_out, start.held_out) if start else None,
        "values": {**point.values, **point.held_out_values},
    }  # fmt: skip
