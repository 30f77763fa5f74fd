"""Planner runs: how their scores are distributed, and their best episodes on the board, step by step."""

from collections.abc import Mapping, Sequence
from typing import Any

from games.modules import short_name
from workbench.pages.parts import Section, look, paper, table, words
from workbench.planning.replay import Frame, thinned
from workbench.terminal.durations import format_duration
from workbench.views.episodes import Episodes, Replay

MOST = 300  # frames of an episode
NODES = 120  # of a graph that is drawn
CONTROLS = """<h3>Replay</h3><div class="controls"><label>episode <select id="plays-run"></select></label>
<button type="button" id="plays-first" aria-label="first">|&lt;</button>
<button type="button" id="plays-back" aria-label="back">&lt;</button>
<button type="button" id="plays-play">play</button><button type="button" id="plays-on" aria-label="on">&gt;</button>
<label class="long">step <input type="range" id="plays-at" min="0" value="0"> <output id="plays-now"></output></label></div>
<div id="plays-stage" tabindex="0" aria-label="board; keys: left, right, home, end, space"><div id="plays-board"></div>
<div id="plays-values"></div></div><p class="quiet" id="plays-note"></p>
<p class="quiet">keys, with the board in focus: left and right a step, home and end, space to play</p>
<p class="paper">for paper: <code id="plays-paper"></code></p>"""


def section(runs: Sequence[Episodes], replays: Mapping[int, Replay]) -> Section | None:
    """Return the section about planner runs; `replays` has episodes of some, by their places among `runs`."""
    runs_with = [(place, run) for place, run in enumerate(runs) if run.lines]
    if not runs_with:
        return None
    rows = [_summary(run) for _, run in runs_with]
    summary = table(("run", "world", "planner", "episodes", "mean", "standard error", "solved", "time"), rows)
    html = summary + '<div id="plays-scores"></div>' + paper("plot", *(run.path for _, run in runs_with), "--out", "scores.pdf")
    worlds: dict[str, list[dict[str, Any]]] = {}
    for _, run in runs_with:
        line = {"run": run.path.name, "planner": short_name(run.planner), **look(short_name(run.planner))}
        worlds.setdefault(short_name(run.world), []).append({**line, "scores": [e["score"] for e in run.lines]})
    played = [_played(runs[place], replay) for place, replay in replays.items()]
    data = {"worlds": worlds, "replays": played}
    return Section("plays", "Planner runs", html + (CONTROLS if played else ""), data, figures=True)


def _summary(run: Episodes) -> list[str]:
    result, solved = run.result, [line["solved"] for line in run.lines if line["solved"] is not None]
    scores = [line["score"] for line in run.lines]
    error = result.get("standard_error")
    return [
        run.path.name, short_name(run.world), short_name(run.planner), f"{result.get('played', len(run.lines)):,}",
        f"{sum(scores) / len(scores):,.4g}", "" if error is None else f"{error:.3g}",
        f"{sum(solved)} of {len(solved)}" if solved else "", format_duration(sum(run.seconds.values())),
    ]  # fmt: skip


def _played(run: Episodes, replay: Replay) -> dict[str, Any]:
    """Return a replay for the script: every distinct cell once, then frames of numbers."""
    frames = thinned(replay.frames, MOST)
    cells: dict[tuple[str, str, str], int] = {}
    shown = [_frame(frame, cells) for frame in frames]
    first = frames[0]
    graph = first.network if first.network is not None and len(first.network.names) <= NODES else None
    network, values = None, [] if replay.note else ["--values"]
    if graph is not None:
        from workbench.figures.animation import layout_of  # needs matplotlib

        network = {
            "names": list(graph.names), "kinds": list(graph.kinds), "edges": graph.edges.tolist(),
            "places": layout_of(graph).tolist(),
        }  # fmt: skip
    return {
        "name": f"{run.path.name}, episode {replay.episode}", "note": replay.note, "frames": shown, "cells": list(cells),
        "rows": [len(row) for row in first.picture or ()], "network": network, "steps": len(replay.frames) - 1,
        "paper": words("replay", run.path, "--episode", str(replay.episode), *values, "--gif", "play.gif"),
    }  # fmt: skip


def _frame(frame: Frame, cells: dict[tuple[str, str, str], int]) -> dict[str, Any]:
    values = [[name, value, visits] for name, value, visits in frame.values]
    made: dict[str, Any] = {"title": frame.title, "action": frame.action, "values": values}
    if frame.picture is not None:
        made["cells"] = [cells.setdefault((cell.text, cell.ink, cell.ground), len(cells)) for row in frame.picture for cell in row]
    elif frame.network is not None and len(frame.network.names) <= NODES:
        made["here"] = int(frame.network.here)
    else:
        made["text"] = frame.text[:4000]
    return made
