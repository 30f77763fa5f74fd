"""The report of a discovery: one HTML file that loads nothing, readable in light and in dark.

Sources, reasons and names come from candidates and models: everything is escaped.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from games.files import write_output
from workbench.discovery.analysis import ablation_tables
from workbench.discovery.analysis import verify as verification
from workbench.discovery.analysis.charts import Series, bars, chart
from workbench.discovery.analysis.lineage import ancestry, source_diff
from workbench.discovery.books.journal import Journal
from workbench.discovery.books.records import OK
from workbench.discovery.books.store import Step, Store
from workbench.discovery.books.text import fault
from workbench.discovery.population.ranking import average_score, log_score
from workbench.discovery.population.view import Member
from workbench.discovery.session import load_run, ranked, run_record
from workbench.discovery.task import Task
from workbench.terminal.durations import format_duration
from workbench.terminal.printing import counted
from workbench.terminal.printing import escape_html as escape

STYLE = (Path(__file__).parent / "report.css").read_text
GENERATIONS = 40  # of the winner's line that are shown
Known = Mapping[str, Mapping[str, float]]


def write_report(store: Store, path: Path) -> None:
    """Write the report of the run in `store` to `path`.

    Raises
    ------
    GameplanError
        If it cannot be written.
    """
    write_output(path, report(store))


def report(store: Store) -> str:
    """Return the report as one HTML text.

    Raises
    ------
    GameplanError
        If what the store has on record of a verification or an ablation is none.
    """
    try:
        return _report(store)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise store.damaged(f"what it has on record cannot be shown ({fault(error)})") from error


def _report(store: Store) -> str:
    run = load_run(store)
    config, task, members = run.config, run.task, run.members()
    best = ranked(members)
    known: Known = store.get("references") or {}
    title = f"Discovery: {task.name}"
    parts = [
        f"<h1>{escape(title)}</h1>", _header(run, best, known, store.get("isolation") or ""),
        "<h2>Score over evaluations</h2>", *_scores(run, known),
        "<h2>Best on every instance</h2>", _instances(best, task, known),
        "<h2>Best programs</h2>", _best(best, task),
    ]  # fmt: skip
    if best:
        entries = ancestry(store, best[0].id)
        parts += [*_winner(store, best[0], entries), *_lineage(entries, best)]
    record = store.get("verify")
    if record:
        parts += ["<h2>Held-out instances and other horizons</h2>", *_verified(record)]
    taken = store.get("ablate")
    if taken:
        parts += [f"<h2>What matters in {escape(taken['name'])}</h2>", *_ablated(taken)]
    parts += ["<h2>What became of the proposals</h2>", *_fates(run.steps), "<h2>Cost</h2>", _cost(store), _settings(asdict(config))]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>\n{STYLE()}</style></head>\n<body>\n" + "\n".join(part for part in parts if part) + "\n</body></html>\n"
    )


def _header(run: Journal, best: Sequence[Member], known: Known, level: str) -> str:
    config, task = run.config, run.task
    rows = [
        ("task", f"{config.task}: {task.measure} after {config.horizon:,} iterations on {', '.join(task.train)}"),
        ("seeds", ", ".join(config.seeds)),
        ("operators", ", ".join(f"{name} {weight:g}" for name, weight in config.operators.items())),
        ("evaluations", f"{run.counted:,} of {len(run.steps):,} proposals"),
        ("isolation", level or {"none": "none, on request"}.get(config.sandbox, "all that the kernel offers")),
        ("random seed", str(config.seed)),
    ]
    if best:
        log, average = log_score(best[0].values), -average_score(best[0].values)
        text = f"{best[0].id}: {log:.3f} (minus mean log10), average {average:.3g}, {best[0].size} nodes"
        rows.append(("best program", text))
    if known:
        top = max(known, key=lambda name: log_score(known[name]))
        text = f"{top}: {log_score(known[top]):.3f}, average {-average_score(known[top]):.3g}"
        rows.append(("best published", text))
    return _facts(rows)


def _scores(run: Journal, known: Known) -> list[str]:
    """Draw the best so far under both rankings, with all programs as dots and the published ones as lines."""
    members, made = run.members(), []
    for label, what, log_y, score in (
        ("score", f"minus mean log10 {run.task.measure} in training, higher is better", False, log_score),
        ("average", f"average {run.task.measure} in training, lower is better (as ranked in arXiv 2602.16928)", True, _average),
    ):
        better = min if log_y else max
        dots = [(max(1.0, run.steps[m.n].counted), score(m.values)) for m in members]
        line: list[tuple[float, float]] = []
        for x, y in dots:
            if not line or better(y, line[-1][1]) != line[-1][1]:
                line.append((x, y))
        series = [Series(name, [(1.0, score(values))], "level", "var(--quiet)") for name, values in known.items()]
        titles = [f"{m.id} {m.operator} {y:.4g}" for m, (_, y) in zip(members, dots, strict=True)]
        series += [Series("programs", dots, "dots", "var(--dot)", titles), Series("best so far", line)]
        drawn = chart(series, x_label="evaluations", y_label=label, log_y=log_y)
        made.append(f"<figure><figcaption>{escape(what)}</figcaption>{drawn}</figure>")
    return made if known else [*made, "<p>No published program was measured in this run.</p>"]


def _average(values: Mapping[str, float]) -> float:
    return -average_score(values)


def _instances(best: Sequence[Member], task: Task, known: Known) -> str:
    rows = []
    for name in task.train:
        first = min(best, key=lambda m: m.values[name], default=None)
        shown = [name, f"{first.values[name]:.3g}" if first else "-", first.id if first else "-"]
        shown.append(f"{best[0].values[name]:.3g}" if best else "-")
        if known:
            top = min(known, key=lambda k: known[k][name])
            shown.append(f"{known[top][name]:.3g} ({top})")
        rows.append(shown)
    return _table(["instance", "best", "by", "the best program", *(["best published"] if known else [])], rows)


def _best(best: Sequence[Member], task: Task, count: int = 15) -> str:
    rows = [
        [m.id, str(m.n), m.operator, str(m.size), f"{log_score(m.values):.3f}", f"{_average(m.values):.3g}"]
        + [f"{m.values[name]:.2g}" for name in task.train]
        for m in best[:count]
    ]
    return _table(["program", "step", "operator", "size", "score", "average", *task.train], rows)


def _winner(store: Store, winner: Member, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Show the best program and how it differs from the seed it comes from, along first parents."""
    made = ["<h2>The best program</h2>", _details("source", _code(winner.source), open_=True)]
    by_id = {entry["program"]: entry for entry in entries}
    root = entries[0]
    while root["parents"]:
        root = by_id[root["parents"][0]]
    if root["program"] != winner.id:
        name = root["detail"].get("name", root["program"])
        text = source_diff(store.program(root["program"]).source, winner.source)
        made.append(_details(f"changed against its seed {name}", _diff(text)))
    return made


def _lineage(entries: Sequence[Mapping[str, Any]], best: Sequence[Member]) -> list[str]:
    scores = {m.id: m for m in best}
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
            head += f" &middot; {log_score(member.values):.3f} &middot; average {_average(member.values):.3g}"
            head += f" &middot; {member.size} nodes"
        how = _facts([(str(k), _short(v)) for k, v in entry["detail"].items() if k != "name"])
        if len(entry["parents"]) > 1:
            head += f"<br><small>from {escape(', '.join(entry['parents']))}</small>"
        body = how + (_diff(entry["diff"]) if entry["diff"] else "")
        shown = f"<details><summary>{head}</summary>{body}</details>" if body else f'<div class="leaf">{head}</div>'
        items.append(f"<li>{shown}</li>")
    return ["<h2>Where it comes from</h2>", f'<ul class="tree">{"".join(items)}</ul>']


def _verified(record: Mapping[str, Any]) -> list[str]:
    header, rows = verification.table(dict(record))
    made = [_table(header, rows)]
    for n in record["horizons"]:
        made.append(_details(f"every instance after {n} iterations", _table(*verification.details(dict(record), n))))
    return [*made, "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in verification.notes(dict(record))) + "</ul>"]


def _ablated(record: Mapping[str, Any]) -> list[str]:
    made = ["<ul>" + "".join(f"<li>{escape(line)}</li>" for line in ablation_tables.summary(record)) + "</ul>"]
    made.append(_table(*ablation_tables.front_table(record), wrap=True))
    return [*made, _details("distilled", _code(record["distilled"]["source"]))]


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
    listed = [[status, f"{count:,}", text] for status, c in sorted(examples.items()) for text, count in c.most_common(5)]
    return [
        f"<figure>{bars(list(by.items()))}</figure>", _table(["operator", "proposals", "full scores", "share"], rows),
        _details("reasons, the most frequent of each kind", _table(["kind", "times", "reason"], listed)) if listed else "",
    ]  # fmt: skip


def _cost(store: Store) -> str:
    record = run_record(store)
    cost, times, proposals = record["cost"], store.times(), max(1, record["steps"])
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
    return _facts(rows)


def _settings(config: Mapping[str, Any]) -> str:
    return _details("all settings", _facts([(key, _short(value)) for key, value in config.items()]))


def _facts(rows: Sequence[tuple[str, str]]) -> str:
    if not rows:
        return ""
    return '<table class="facts">' + "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in rows) + "</table>"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, wrap: bool = False) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="{"narrow" if wrap else "wide"}"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _details(title: str, body: str, *, open_: bool = False) -> str:
    return f"<details{' open' if open_ else ''}><summary>{escape(title)}</summary>{body}</details>"


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
