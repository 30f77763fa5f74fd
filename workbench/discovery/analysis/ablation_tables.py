"""What an ablation says, as tables and text."""

from collections.abc import Mapping, Sequence
from typing import Any


def markdown(record: Mapping[str, Any]) -> str:
    """Return the record as a page: the fronts, what mattered, and the distilled program."""
    distilled = record["distilled"]
    lines = [f"# Ablation of {record['name']}", ""]
    lines += [f"* {line}" for line in summary(record)]
    lines += [f"* training: {', '.join(record['train'])}; held out: {', '.join(record['held_out']) or 'none'}", ""]
    lines += ["## Size against score in training", "", *_grid(*front_table(record)), ""]
    if record["held_out"]:
        lines += ["## Size against score on held-out instances", "", *_grid(*front_table(record, "front_held_out")), ""]
    if record["known"]:
        rows = [[r["name"], str(r["size"]), _number(r["train"]), _number(r["held_out"])] for r in record["known"]]
        lines += ["## Published programs", "", *_grid(["program", "size", "train", "held-out"], rows), ""]
    rows = [
        [row["removed"][0], str(row["size"]), *(_number(row[key]) for key in ("train", "loss", "held_out", "held_out_loss"))]
        for row in record["singles"]
    ]
    lines += ["## One piece taken out", "", *_grid(["taken out", "size", "train", "loss", "held-out", "loss"], rows), ""]
    lines += [f"## Distilled: {distilled['size']} nodes of {record['base']['size']}", "", "Taken out:", ""]
    lines += [f"* `{words}`" for words in distilled["removed"]] or ["* nothing"]
    return "\n".join([*lines, "", "```python", distilled["source"].rstrip(), "```", ""])


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [[cell.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in [list(header), ["---"] * len(header), *cells]]


def front_table(record: Mapping[str, Any], key: str = "front") -> tuple[list[str], list[list[str]]]:
    """Return header and rows: the whole program, then a front from the largest down; a row says what goes beyond the row above."""
    header = ["taken out", "size", "train", "held-out", "train average", "held-out average"]
    rows = []
    before: list[str] = []
    front = [row for row in record[key] if row["removed"]]
    for row in [record["base"], *reversed(front)]:
        removed = row["removed"]
        added, back = [w for w in removed if w not in before], [w for w in before if w not in removed]
        words = "; ".join(removed) or "nothing"
        if before and removed and len(added) + len(back) < len(removed):
            words = "and " + "; ".join(added) + (f"; but not {'; '.join(back)}" if back else "")
        before = removed
        averages = [_number(row[name] and -row[name], "{:.2e}") for name in ("train_average", "held_out_average")]
        rows.append([words, str(row["size"]), _number(row["train"]), _number(row["held_out"]), *averages])
    return header, rows


def summary(record: Mapping[str, Any]) -> list[str]:
    """Return what was done and what came out, in a few lines."""
    base, distilled, counts = record["base"], record["distilled"], record["counts"]
    return [
        f"scores are minus mean log10 {record['measure']} after {record['horizon']:,} iterations, higher is better; sizes are "
        "syntax nodes",
        f"{counts['edits']} pieces were taken out: {counts['programs']} programs, of which {counts['failed']} do not run, "
        f"{counts['idle']} do the same as before, and {counts['behaviours']} behave differently and were measured, as were "
        f"{counts['combined']} combinations",
        f"distilled, at most {record['tolerance']:g} decades worse in training: "
        f"{distilled['size']} nodes of {base['size']}; "
        f"train {_number(distilled['train'])} ({_number(base['train'])} before), held out {_number(distilled['held_out'])} "
        f"({_number(base['held_out'])} before)",
    ]


def _number(value: float | None, form: str = "{:.2f}") -> str:
    return "-" if value is None else form.format(value)
