"""Discoveries: scores over evaluations, the best programs, where the winner comes from, rejections, cost.

Sources, reasons and names come from candidates and models: everything is escaped.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from workbench.discovery.analysis import ablation_tables
from workbench.discovery.analysis import verify as verification
from workbench.discovery.books.records import OK
from workbench.discovery.books.store import Step
from workbench.discovery.population.ranking import log_score
from workbench.discovery.population.view import Member
from workbench.pages.charts import Series, bars, chart
from workbench.pages.parts import Section, details, escape, facts, listed, paper, table
from workbench.terminal.durations import format_duration
from workbench.terminal.printing import counted
from workbench.views.discovery import DiscoveryView, about, across, average, front, measure
from workbench.views.thinning import spread

GENERATIONS = 40  # of the winner's line that are shown
DOTS = 1500  # programs in a chart


def section(articles: Sequence[str], views: Sequence[DiscoveryView]) -> Section | None:
    """Return the section about discoveries, of each its `article`."""
    if not views:
        return None
    return Section("discoveries", "Discoveries", "".join(articles), [dict(view.sources) for view in views])


def article(view: DiscoveryView, number: int) -> str:
    """Return what is told of one discovery, the one with this `number` on the page, as HTML."""
    parts = [
        f'<article data-number="{number}"><h3>Discovery: {escape(view.task.name)} <small>{escape(view.path.name)}</small></h3>',
        _header(view), "<h4>Score over evaluations</h4>", *_scores(view), *_front(view),
        '<div class="program" aria-live="polite"><p class="quiet">A dot that is ringed shows its program here.</p></div>',
        "<h4>Best on every instance</h4>", _instances(view), "<h4>Best programs</h4>", _best(view),
    ]  # fmt: skip
    if view.best:
        parts += [*_winner(view), *_lineage(view)]
    if view.verified:
        parts += ["<h4>Held-out instances and other horizons</h4>", *_verified(view.verified)]
    if view.ablated:
        parts += [f"<h4>What matters in {escape(view.ablated['name'])}</h4>", *_ablated(view.ablated)]
    parts += ["<h4>What became of the proposals</h4>", *_fates(view.steps), "<h4>Cost</h4>", _cost(view), _settings(view)]
    return "".join(part for part in parts if part) + "</article>"


def _header(view: DiscoveryView) -> str:
    config, task, known = view.config, view.task, view.known
    rows = [
        ("task", f"{config.task}: {task.measure} after {config.horizon:,} iterations on {', '.join(task.train)}"),
        ("seeds", ", ".join(config.seeds)),
        ("operators", ", ".join(f"{name} {weight:g}" for name, weight in config.operators.items())),
        ("evaluations", f"{view.steps[-1].counted if view.steps else 0:,} of {len(view.steps):,} proposals"),
        ("isolation", view.isolation or {"none": "none, on request"}.get(config.sandbox, "all that the kernel offers")),
        ("random seed", str(config.seed)),
    ]
    if view.best:
        best = view.best[0]
        log = f"{log_score(best.values):.3f} (minus mean log10)"
        rows.append(("best program", f"{best.id}: {log}, average {average(best.values):.3g}, {best.size} nodes"))
    if known:
        top = max(known, key=lambda name: log_score(known[name]))
        rows.append(("best published", f"{top}: {log_score(known[top]):.3f}, average {average(known[top]):.3g}"))
    return facts(rows)


def _scores(view: DiscoveryView) -> list[str]:
    """Draw the best so far under both rankings, with all programs as dots and the published ones as lines."""
    made = []
    for label, what, log_y, score in (
        ("score", f"minus mean log10 {view.task.measure} in training, higher is better", False, log_score),
        ("average", f"average {view.task.measure} in training, lower is better (as ranked in arXiv 2602.16928)", True, average),
    ):
        better = min if log_y else max
        line: list[tuple[float, float]] = []
        for member in view.members:
            y = score(member.values)
            if not line or better(y, line[-1][1]) != line[-1][1]:
                line.append((across(view, member.n), y))
        series = [Series(name, [(1.0, score(values))], "level", "var(--quiet)") for name, values in view.known.items()]
        shown = _dots(view)
        series += [_programs(view, [(across(view, m.n), score(m.values)) for m in shown], shown), Series("best so far", line)]
        drawn = chart(series, x_label="evaluations", y_label=label, log_y=log_y)
        made.append(f"<figure><figcaption>{escape(what)}</figcaption>{drawn}</figure>")
    made.append(_paper(view, "scores"))
    return made if view.known else [*made, "<p>No published program was measured in this run.</p>"]


def _front(view: DiscoveryView) -> list[str]:
    """Draw the programs by size and score, with the line of those that are smaller than all that are as good."""
    if not view.members:
        return []
    text, of, less = measure(view)
    shown = _dots(view)
    dots = _programs(view, [(float(m.size), of(m.values)) for m in shown], shown)
    line = Series("best of its size", [(float(m.size), of(m.values)) for m in front(view)])
    drawn = chart([dots, line], x_label="size in nodes", y_label="average" if less else "score", log_y=less)
    caption = f"{text} by size: no smaller program is as good as those on the line"
    return [f"<figure><figcaption>{escape(caption)}</figcaption>{drawn}</figure>", _paper(view, "front")]


def _paper(view: DiscoveryView, what: str) -> str:
    return paper("evolve", "report", view.path, "--draw", what)


def _dots(view: DiscoveryView) -> list[Member]:
    """Return the programs that charts show: those with a source on the page, and others spread over the run."""
    kept = {view.members[place].id for place in spread(len(view.members), DOTS)} | set(view.sources)
    return [member for member in view.members if member.id in kept]


def _programs(view: DiscoveryView, points: Sequence[tuple[float, float]], shown: Sequence[Member]) -> Series:
    keys = [m.id if m.id in view.sources else "" for m in shown]
    return Series("programs", points, "dots", "var(--dot)", [about(m) for m in shown], keys)


def _instances(view: DiscoveryView) -> str:
    best, known, rows = view.best, view.known, []
    for name in view.task.train:
        first = min(best, key=lambda m: m.values[name], default=None)
        shown = [name, f"{first.values[name]:.3g}" if first else "-", first.id if first else "-"]
        shown.append(f"{best[0].values[name]:.3g}" if best else "-")
        if known:
            top = min(known, key=lambda k: known[k][name])
            shown.append(f"{known[top][name]:.3g} ({top})")
        rows.append(shown)
    return table(["instance", "best", "by", "the best program", *(["best published"] if known else [])], rows)


def _best(view: DiscoveryView, count: int = 15) -> str:
    train = view.task.train
    rows = [
        [m.id, str(m.n), m.operator, str(m.size), f"{log_score(m.values):.3f}", f"{average(m.values):.3g}"]
        + [f"{m.values[name]:.2g}" for name in train]
        for m in view.best[:count]
    ]
    return table(["program", "step", "operator", "size", "score", "average", *train], rows)


def _winner(view: DiscoveryView) -> list[str]:
    """Show the best program and how it differs from the seed it comes from, along first parents."""
    made = ["<h4>The best program</h4>", details("source", _code(view.best[0].source), open_=True)]
    if view.changed:
        made.append(details(f"changed against its seed {view.seed}", _diff(view.changed)))
    return made


def _lineage(view: DiscoveryView) -> list[str]:
    entries, scores = view.lineage, {m.id: m for m in view.best}
    items: list[str] = []
    for entry in entries:
        if entry["generation"] > GENERATIONS:
            items.append(f"<li>and {len(entries) - len(items)} older ancestors</li>")
            break
        member = scores.get(entry["program"])
        head = f"{escape(entry['program'])} &middot; step {entry['n']} &middot; <b>{escape(entry['operator'])}</b>"
        if entry["detail"].get("name"):
            head += f" {escape(str(entry['detail']['name']))}"
        if member:
            head += f" &middot; {log_score(member.values):.3f} &middot; average {average(member.values):.3g}"
            head += f" &middot; {member.size} nodes"
        how = facts([(str(k), _short(v)) for k, v in entry["detail"].items() if k != "name"])
        if len(entry["parents"]) > 1:
            head += f"<br><small>from {escape(', '.join(entry['parents']))}</small>"
        body = how + (_diff(entry["diff"]) if entry["diff"] else "")
        shown = f"<details><summary>{head}</summary>{body}</details>" if body else f'<div class="leaf">{head}</div>'
        items.append(f"<li>{shown}</li>")
    return ["<h4>Where it comes from</h4>", f'<ul class="tree">{"".join(items)}</ul>', _paper(view, "lineage")]


def _verified(record: Mapping[str, Any]) -> list[str]:
    header, rows = verification.table(dict(record))
    made = [table(header, rows)]
    for n in record["horizons"]:
        made.append(details(f"every instance after {n} iterations", table(*verification.details(dict(record), n))))
    return [*made, listed(verification.notes(dict(record)))]


def _ablated(record: Mapping[str, Any]) -> list[str]:
    made = [listed(list(ablation_tables.summary(record)))]
    made.append(table(*ablation_tables.front_table(record), wrap=True))
    return [*made, details("distilled", _code(record["distilled"]["source"]))]


def _fates(steps: Sequence[Step]) -> list[str]:
    steps = [step for step in steps if step.operator != "seed"]
    by = Counter(step.status for step in steps)
    operators = sorted({step.operator for step in steps})
    rows = []
    for name in operators:
        own = [step for step in steps if step.operator == name]
        ok = sum(step.status == OK for step in own)
        rows.append([name, f"{len(own):,}", f"{ok:,}", f"{100 * ok / len(own):.0f} %"])
    examples: dict[str, Counter[str]] = {}
    for step in steps:
        if step.status != OK and step.reason and step.same_as is None:
            examples.setdefault(step.status, Counter())[_short(step.reason)] += 1
    reasons = [[status, f"{count:,}", text] for status, c in sorted(examples.items()) for text, count in c.most_common(5)]
    return [
        f"<figure>{bars(list(by.items()))}</figure>", table(["operator", "proposals", "full scores", "share"], rows),
        details("reasons, the most frequent of each kind", table(["kind", "times", "reason"], reasons)) if reasons else "",
    ]  # fmt: skip


def _cost(view: DiscoveryView) -> str:
    cost, times, proposals = view.record["cost"], view.times, max(1, view.record["steps"])
    rows = [
        ("running candidates", f"{_time(cost['run_seconds'])} of CPU, {cost['run_seconds_per_evaluation']:.3f} s an evaluation"),
        ("compiling new structures", f"{_time(times.get('compile', 0.0))} of CPU"),
        ("making ready known structures", f"{_time(times.get('recompile', 0.0))} of CPU"),
        ("structurally new", f"{100 * cost['new_structures']:.0f} % of the evaluated programs"),
        ("isolation", f"{_time(cost['overhead_seconds'])}, {1000 * cost['overhead_seconds'] / proposals:.1f} ms a proposal"),
        ("published programs", f"{_time(cost['known_seconds'])} of CPU"),
        ("wall clock", _time(cost["wall_seconds"])),
    ]
    if cost["calls"]:
        rows.append(
            (
                "language models",
                f"{counted(cost['calls'], 'call')}, {counted(cost['tokens'], 'token')}, {cost['money']:.2f} of money",
            )
        )
    return facts(rows)


def _settings(view: DiscoveryView) -> str:
    return details("all settings", facts([(key, _short(value)) for key, value in asdict(view.config).items()]))


def _code(source: str) -> str:
    return f"<pre>{escape(source)}</pre>"


def _diff(text: str) -> str:
    kinds = {"+": "add", "-": "del", "@": "at"}
    lines = [
        f'<span class="{kinds[line[0]]}">{escape(line)}</span>' if line[:1] in kinds else escape(line)
        for line in text.splitlines()
        if not line.startswith(("---", "+++"))
    ]
    return f"<pre>{chr(10).join(lines)}</pre>"


def _time(seconds: float) -> str:
    return format_duration(seconds)


def _short(value: Any, length: int = 300) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= length else f"{text[: length - 3]}..."
