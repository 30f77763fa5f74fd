"""The report of a discovery: one HTML file that loads nothing, readable in light and in dark.

Sources, reasons and names come from candidates and models: everything is escaped.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from games.errors import GameplanError
from workbench.discovery import verify as verification
from workbench.discovery.charts import Series, bars, chart
from workbench.discovery.lineage import Scored, best_first, lineage, scored_programs, source_diff
from workbench.discovery.ranking import average_score, log_score
from workbench.discovery.records import OK
from workbench.discovery.scoring import Scorer, stored, values_at
from workbench.discovery.store import Store
from workbench.discovery.task import Task
from workbench.durations import format_duration

STYLE = (Path(__file__).parent / "report.css").read_text
GENERATIONS = 40  # of the winner's line that are shown
Known = Mapping[str, Mapping[str, float]]


def known_in(
    scorer: Scorer, task: Task, horizon: int, *, measure: bool = True, tell: Callable[[str], None] = lambda name: None
) -> dict[str, dict[str, float]]:
    """Return the published programs' costs on the training instances: those known to the scorer, or all if it may measure."""
    places = [(name, horizon) for name in task.train]
    programs = {name: stored(task, source) for name, source in task.known().items()}
    if not measure:
        programs = {name: p for name, p in programs.items() if all((p.id, *place) in scorer.known for place in places)}
    costs = scorer.costs(list(programs.values()), places, tell)
    found = {name: values_at(costs[program.id], task.train, horizon) for name, program in programs.items()}
    return {name: values for name, values in found.items() if values}


def write_report(store: Store, task: Task, known: Known, path: Path) -> None:
    """Write the report of the run in `store` to `path`; `known` are the published programs' costs in training, by name.

    Raises
    ------
    GameplanError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(report(store, task, known), encoding="utf-8")
    except OSError as error:
        raise GameplanError(f"cannot write {path}: {error.strerror}; choose another --out") from error


def report(store: Store, task: Task, known: Known) -> str:
    """Return the report as one HTML text."""
    config = store.get("config")
    found = scored_programs(store, task)
    ranked = best_first(found, config["ranking"])
    title = f"Discovery: {task.name}"
    parts = [
        f"<h1>{escape(title)}</h1>", _header(store, task, config, ranked, known),
        "<h2>Score over evaluations</h2>", *_scores(found, task, known),
        "<h2>Best on every instance</h2>", _instances(ranked, task, known),
        "<h2>Best programs</h2>", _best(ranked, task),
    ]  # fmt: skip
    if ranked:
        parts += [*_winner(store, ranked, config), *_lineage(store, ranked, task)]
    record = store.get("verify")
    if record:
        parts += ["<h2>Held-out instances and other horizons</h2>", *_verified(record)]
    parts += ["<h2>What became of the proposals</h2>", *_fates(store), "<h2>Cost</h2>", _cost(store, found), _settings(config)]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>\n{STYLE()}</style></head>\n<body>\n" + "\n".join(part for part in parts if part) + "\n</body></html>\n"
    )


def _header(store: Store, task: Task, config: Mapping[str, Any], ranked: Sequence[Scored], known: Known) -> str:
    steps = store.steps()
    levels = sorted({str(e["data"]["level"]) for e in store.events() if e["data"].get("level")})
    rows = [
        ("task", f"{task.name}: {task.measure} after {config['horizon']:,} iterations on {', '.join(task.train)}"),
        ("seeds", ", ".join(config["seeds"])),
        ("operators", ", ".join(f"{name} {weight:g}" for name, weight in config["operators"].items())),
        ("evaluations", f"{steps[-1].counted if steps else 0:,} of {len(steps):,} proposals"),
        ("isolation", ", ".join(levels) or {"none": "none, on request"}.get(config["sandbox"], "all that the kernel offers")),
        ("random seed", str(config["seed"])),
    ]
    if ranked:
        winner = ranked[0]
        text = (
            f"{winner.program.id}: {winner.log:.3f} (minus mean log10), average {-winner.average:.3g}, {winner.program.size} nodes"
        )
        rows.append(("best program", text))
        better = [name for name, values in known.items() if log_score(values) >= winner.log]
        if known:
            best = max(known, key=lambda name: log_score(known[name]))
            text = f"{best} with {log_score(known[best]):.3f}, average {-average_score(known[best]):.3g}"
            rows.append(("best published", text + (f"; {len(better)} are not worse than the best found" if better else "")))
    return _facts(rows)


def _scores(found: Sequence[Scored], task: Task, known: Known) -> list[str]:
    """Draw the best so far under both rankings, with all programs as dots and the published ones as lines."""
    made = []
    for label, log_y, score, cost in (
        ("minus mean log10 cost, higher is better", False, lambda p: p.log, log_score),
        (f"average {task.measure}, lower is better (the ranking of arXiv 2602.16928)", True, lambda p: -p.average, _average),
    ):
        better = min if log_y else max
        dots = [(max(1.0, p.step.counted), score(p)) for p in found]
        line: list[tuple[float, float]] = []
        for x, y in dots:
            if not line or better(y, line[-1][1]) != line[-1][1]:
                line.append((x, y))
        series = [Series(name, [(1.0, cost(values))], "level", "var(--quiet)") for name, values in known.items()]
        titles = [f"{p.program.id} {p.step.operator} {score(p):.4g}" for p in found]
        series += [Series("programs", dots, "dots", "var(--dot)", titles), Series("best so far", line)]
        made.append(f"<figure>{chart(series, x_label='evaluations', y_label=label, log_y=log_y)}</figure>")
    if not known:
        made.append("<p>No published program was measured in this run.</p>")
    return made


def _average(values: Mapping[str, float]) -> float:
    return -average_score(values)


def _instances(ranked: Sequence[Scored], task: Task, known: Known) -> str:
    rows = []
    for name in task.train:
        best = min(ranked, key=lambda p: p.values[name], default=None)
        shown = [name, f"{best.values[name]:.3g}" if best else "-", best.program.id if best else "-"]
        shown.append(f"{ranked[0].values[name]:.3g}" if ranked else "-")
        if known:
            top = min(known, key=lambda k: known[k][name])
            shown.append(f"{known[top][name]:.3g} ({top})")
        rows.append(shown)
    return _table(["instance", "best", "by", "the best program", *(["best published"] if known else [])], rows)


def _best(ranked: Sequence[Scored], task: Task, count: int = 15) -> str:
    rows = [
        [p.program.id, str(p.step.n), p.step.operator, str(p.program.size), f"{p.log:.3f}", f"{-p.average:.3g}"]
        + [f"{p.values[name]:.2g}" for name in task.train]
        for p in ranked[:count]
    ]
    return _table(["program", "step", "operator", "size", "score", "average", *task.train], rows)


def _winner(store: Store, ranked: Sequence[Scored], config: Mapping[str, Any]) -> list[str]:
    """Show the best program and how it differs from the seed it comes from."""
    winner = ranked[0]
    roots = [entry for entry in lineage(store, winner.program.id) if not entry["parents"]]
    seed = roots[-1] if roots else None
    made = ["<h2>The best program</h2>", _details("source", _code(winner.program.source), open_=True)]
    if seed and seed["program"] != winner.program.id:
        name = seed["detail"].get("name", seed["program"])
        made.append(
            _details(
                f"changed against its seed {name}", _diff(source_diff(store.program(seed["program"]).source, winner.program.source))
            )
        )
    return made


def _lineage(store: Store, ranked: Sequence[Scored], task: Task) -> list[str]:
    scores = {p.program.id: p for p in ranked}
    entries = lineage(store, ranked[0].program.id)
    items: list[str] = []
    for entry in entries:
        if entry["generation"] > GENERATIONS:
            items.append(f"<li>and {len(entries) - len(items)} older ancestors</li>")
            break
        scored = scores.get(entry["program"])
        head = f"{escape(entry['program'])} &middot; step {entry['n']} &middot; <b>{escape(entry['operator'])}</b>"
        if entry["detail"].get("name"):
            head += f" {escape(str(entry['detail']['name']))}"
        if scored:
            head += f" &middot; {scored.log:.3f} &middot; average {-scored.average:.3g} &middot; {scored.program.size} nodes"
        how = _facts([(str(k), _short(v)) for k, v in entry["detail"].items() if k != "name"])
        if entry["parents"]:
            head += f"<br><small>from {escape(', '.join(entry['parents']))}</small>"
        body = how + (_diff(entry["diff"]) if entry["diff"] else "")
        shown = f"<details><summary>{head}</summary>{body}</details>" if body else f'<div class="leaf">{head}</div>'
        items.append(f'<li style="margin-left:{min(entry["generation"], 12) * 0.6:.1f}em">{shown}</li>')
    return ["<h2>Where it comes from</h2>", f'<ul class="tree">{"".join(items)}</ul>']


def _verified(record: Mapping[str, Any]) -> list[str]:
    header, rows = verification.table(dict(record))
    made = [_table(header, rows)]
    for n in record["horizons"]:
        made.append(_details(f"every instance after {n} iterations", _table(*verification.details(dict(record), n))))
    return [*made, "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in verification.notes(dict(record))) + "</ul>"]


def _fates(store: Store) -> list[str]:
    steps = [step for step in store.steps() if step.operator != "seed"]
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


def _cost(store: Store, found: Sequence[Scored]) -> str:
    times, steps = store.times(), store.steps()
    structures = {p.id: p.structure for p in store.programs()}
    measured = [s for before, s in zip([None, *steps], steps, strict=False) if s.counted > (before.counted if before else 0)]
    new = len({structures[s.program] for s in measured if s.program in structures})
    seconds = {kind: times.get(kind, 0.0) for kind in ("run", "compile", "recompile", "overhead", "wall")}
    candidates = max(1, len(measured) + sum(step.operator == "seed" for step in steps))
    rows = [
        ("running candidates", f"{format_duration(seconds['run'])} of CPU, {seconds['run'] / candidates:.3f} s a candidate"),
        ("compiling new structures", f"{format_duration(seconds['compile'])} of CPU"),
        ("making ready known structures", f"{format_duration(seconds['recompile'])} of CPU"),
        (
            "isolation",
            f"{format_duration(seconds['overhead'])}, {1000 * seconds['overhead'] / max(1, len(steps)):.1f} ms a proposal",
        ),
        ("structurally new", f"{new:,} of {len(measured):,} evaluated programs ({100 * new / max(1, len(measured)):.0f} %)"),
        ("wall clock", format_duration(seconds["wall"])),
        ("programs with a full score", f"{len(found):,}"),
    ]
    calls = store.calls()
    if calls:
        tokens = [sum(call[key] for call in calls) for key in ("tokens_in", "tokens_out")]
        text = (
            f"{len(calls):,} calls, {tokens[0]:,} tokens in, {tokens[1]:,} out, {sum(call['cost'] for call in calls):.2f} of money"
        )
        rows.append(("language models", text))
    return _facts(rows)


def _settings(config: Mapping[str, Any]) -> str:
    return _details("all settings", _facts([(key, _short(value)) for key, value in config.items()]))


def _facts(rows: Sequence[tuple[str, str]]) -> str:
    if not rows:
        return ""
    return '<table class="facts">' + "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in rows) + "</table>"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


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


def _short(value: Any, length: int = 300) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= length else f"{text[: length - 3]}..."
