"""What a person sees of planner runs: the result, the game as it is played, and step-through replays."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Group
from rich.live import Live
from rich.text import Text

from games.world import World
from planners.budget import QUESTIONS
from planners.episode import Episode
from planners.metrics import wilson
from planners.planner import Decision
from planners.status import ENDED, SOLVED
from workbench.planning.replay import Frame, frame_of
from workbench.planning.run import ignores
from workbench.terminal.durations import format_duration
from workbench.terminal.printing import console, counted, visible
from workbench.terminal.progress import Pace, Work, counting_work, rate_text
from workbench.terminal.tables import print_fact, print_line, print_path, print_table

MOST_ROWS = 30  # episodes shown one by one; longer runs are summarised


def print_plan(record: dict[str, Any]) -> None:
    """Print what a planner run has found: its episodes, the mean score, the cost, and where it is kept."""
    episodes = record["episodes"]
    if 1 < len(episodes) <= MOST_ROWS or any("solution" in line for line in episodes[:MOST_ROWS]):
        extra = [name for name in record.get("columns", ()) if name in episodes[0]]
        sought = [name for name in ("optimal", "member") if any(name in line for line in episodes[:MOST_ROWS])]
        opened = ["expansions"] if record["solutions_sought"] else []
        heads = (*(name.replace("_", " ") for name in extra), *sought, *opened, "steps", "time")
        print_table(("episode", "instance", "score", "status", *heads), [
            (
                str(line["episode"]), line["instance"], _number(line["score"]), line["status"] + note(line),
                *(_cell(line.get(name)) for name in extra), *(_sought(line.get(name)) for name in sought),
                *(_number(line["cost"][name]) for name in opened), str(line["steps"]), format_duration(line["seconds"]),
            )
            for line in episodes[:MOST_ROWS]
        ], left=4, prose=("instance", "status", "member"), spare=("time", "steps", "member"))  # fmt: skip
        if len(episodes) > MOST_ROWS:
            print_line(f"... {len(episodes) - MOST_ROWS} more in {record['run']}/episodes.jsonl")
    budget = "  ".join(
        f"{key.replace('_', '-')} {format_duration(value) if key.startswith('time') else format(value, ',')}"
        for key, value in record["budget"].items()
    )
    env, planner = (Path(name).name if name.endswith(".py") else name for name in (record["env"], record["planner"]))
    parts = (env, planner, counted(record["played"], "episode"), budget, record["status"])
    print_line("  ".join(filter(None, parts)))
    if record["mean"] is not None:
        error = record["standard_error"]
        spread = "" if error is None else f" ± {_number(error)} (standard error)"
        print_fact("score", f"{_number(record['mean'])}{spread}, median {_number(record['median'])}, max {_number(record['max'])}")
    if "symmetry" in record:
        print_fact("symmetry", f"{record['symmetry']}")
    if record["solved"] is not None:
        low, high = wilson(record["solved"], record["played"]) if record["played"] else (0.0, 1.0)
        print_fact("solved", f"{record['solved']} of {record['played']} (95 % interval {100 * low:.1f} to {100 * high:.1f} %)")
    said = {SOLVED} if record["solved"] is not None else set()  # two lines above
    others = {name: count for name, count in record["statuses"].items() if name not in said}
    if set(others) - {ENDED}:
        print_fact("ended", ", ".join(f"{count} {name}" for name, count in others.items()))
    for label, text in record.get("summary", {}).items():
        print_fact(label, text)
    cost = [f"{name.replace('_', ' ')} {_number(value)}" for name, value in record["cost"].items() if value]
    if cost:
        print_fact("an episode", f"{'  '.join(cost)}")
    if record["decisions"]:
        print_fact("time", f"{format_duration(record['seconds'])}, {format_duration(record['seconds_per_decision'])} a decision")
    for name in record.get("unlimited", ()):
        print_fact("budget", f"{ignores(record['planner'], name)}")
    if record["fallbacks"]:
        print_fact("fallbacks", f"{record['fallbacks']} of {counted(record['decisions'], 'decision')}")
    if "language" in record:
        language = record["language"]
        label = "; DEGRADED: no result of a language model" if language["degraded"] else ""
        print_fact(
            "language",
            f"{counted(language['questions'], 'question')}, {100 * language['share']:.2g} % of the answers unusable{label}",
        )
    if record.get("metrics"):
        shown = [(m, f"{v['value']:.3f}", f"{v['low']:.3f} to {v['high']:.3f}") for m, v in record["metrics"].items()]
        print_table(("metric", "value", "95 % interval"), shown)
    if "protocol" in record:
        print_protocol(record["protocol"])
    print_path("run", record["run"])


def print_protocol(protocol: dict[str, Any]) -> None:
    """Print a language model's figures, and those of the players beside it on the same seeds, as one table."""

    def share(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.1f} %"

    header = ["player", "score", "± (s.e.)", "format errors", "illegal", "turns", "tokens a turn", "time a turn"]
    solved = any(row.get("solve_rate") is not None for row in protocol["players"])
    labels = list(dict.fromkeys(label for row in protocol["players"] for label in row.get("summary", {})))
    rows = []
    for row in protocol["players"]:
        tokens, seconds = row.get("tokens_out_per_turn"), row["seconds_per_turn"]
        cells = [
            row["player"], _number(row["mean"]), _number(row["standard_error"]), share(row["format_error_rate"]),
            share(row["illegal_rate"]), _number(row["turns"]), "-" if tokens is None else f"{tokens:.0f}",
            "-" if seconds is None else format_duration(seconds),
        ]  # fmt: skip
        cells += [share(row.get("solve_rate"))] if solved else []
        rows.append((*cells, *(row.get("summary", {}).get(label, "-") for label in labels)))
    spare = ("time a turn", "tokens a turn", "turns")
    print_table((*header, *(["solved"] if solved else []), *labels), rows, spare=spare)
    aborted = protocol["players"][0]["aborted"]
    print_fact(
        "protocol",
        f"{protocol['name']}, prompts: {protocol['prompts']}"
        + (f"; {counted(aborted, 'episode')} ended by the endpoint and counted for nothing" if aborted else ""),
    )


def note(line: dict[str, Any]) -> str:
    """Return more of why an episode ended, as an addition to its status."""
    return f" ({line['note']})" if "note" in line else ""


def _sought(value: bool | str | None) -> str:
    """Return whether a plan is proven to be a cheapest one, or who found it, as a cell."""
    return visible(value) if isinstance(value, str) else "" if value is None else "proven" if value else "not proven"


def _cell(value: Any) -> str:
    return _number(value) if value is None or (isinstance(value, (int, float)) and math.isfinite(value)) else visible(str(value))


def _number(value: float | None) -> str:
    """Return a number as people write it: whole ones with separators, others in four digits."""
    if value is None:
        return "-"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"


def render(frame: Frame) -> Group:
    """Return a frame as rich shows it: title, board in colours, values, action."""
    parts: list[Text] = [Text(frame.title, style="bold")]
    if frame.picture is None:
        parts.append(Text(frame.text))
    else:
        width = max(2, max(len(cell.text) for row in frame.picture for cell in row) + 2 * (len(frame.picture) < 8))
        for row in frame.picture:
            line = Text()
            for cell in row:
                line.append(cell.text.center(width), style=f"{cell.ink} on {cell.ground}")
            parts.append(line)
    if frame.values:
        best = max(value for _, value, _ in frame.values)
        visited = any(visits for _, _, visits in frame.values)
        parts.append(Text(f"  {'action':<12} {'value':>12}" + (f"  {'visits':>8}" if visited else ""), style="dim"))
        for name, value, visits in frame.values:
            text = f"  {name:<12} {value:>12.5g}" + (f"  {visits:>8,}" if visited else "")
            parts.append(Text(text, style="bold green" if value == best else ""))
    parts.append(Text(f"-> {frame.action}" if frame.action else "", style="bold"))
    return Group(*parts)


class Playing:
    """How far a run is: episodes, and within one its decisions and a language model's questions."""

    def __init__(self, work: Work) -> None:
        self._work, self._pace = work, Pace(None)
        self._ended, self._totals = 0, Counter[str]()

    def decided(self, episode: Episode) -> None:
        """Count a decision."""
        done, questions = len(episode.decisions), int(episode.cost[QUESTIONS])
        if done == 1:
            self._pace = Pace(None)
        self._pace.moved(done)
        rate = f", {rate_text(self._pace.rate)}" if self._pace.rate else ""
        asked = f", {counted(questions, 'question')}" if questions else ""
        self._work.moved(self._ended, f"{episode.instance.name}: {counted(done, 'decision')}{rate}{asked}")

    def ended(self, line: dict[str, Any]) -> None:
        """Count an episode."""
        self._ended += 1
        self._totals.update(decision=line["decisions"], question=line["cost"]["questions"])
        counts = ", ".join(counted(n, noun) for noun, n in self._totals.items() if n)
        self._work.moved(self._ended, f"{counts}  {line['instance']}: {line['score']:,.10g}")


@contextmanager
def playing(episodes: int) -> Iterator[Playing]:
    """Yield what shows how far a run of so many episodes is."""
    with counting_work("playing", episodes, "episodes") as work:
        yield Playing(work)


class Screen:
    """The play of a run as it happens; in a pipe every frame is printed as text."""

    def __init__(self, world: World, delay: float) -> None:
        self._world, self._delay = world, delay
        self._console = console()
        self._live: Live | None = None
        self._episode: Episode | None = None
        self._seen = 0  # states of it that were shown

    def decided(self, episode: Episode) -> None:
        """Show the state in which the last decision was taken, after what was still to be seen of the one before."""
        self._catch_up(episode)
        self._episode, self._seen = episode, len(episode.actions) + 1
        decision = episode.decisions[-1]
        self._show(len(episode.actions), decision.action, decision)

    def ended(self, record: dict[str, Any]) -> None:
        """Show the rest of the last plan, leave the last board on the screen, and say how the episode ended."""
        if self._episode is not None:
            self._catch_up(self._episode)
            self._show(len(self._episode.actions), None, None)
            self._episode = None
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._console.print(
            f"{record['instance']}: {record['status']}, score {_number(record['score'])}, {counted(record['steps'], 'step')}"
            + note(record)
        )

    def _catch_up(self, episode: Episode) -> None:
        """Show the states in which the last decision's plan went on without another decision."""
        if episode is self._episode:
            for number in range(self._seen, len(episode.actions)):
                self._show(number, episode.actions[number], None)

    def _show(self, number: int, action: int | None, decision: Decision | None) -> None:
        assert self._episode is not None
        episode = self._episode
        total = sum(episode.rewards[:number])
        frame = frame_of(self._world, episode.instance, number, episode.states[number], total, action, decision)
        if not self._console.is_terminal:
            self._console.print(render(frame))
            return
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()
        self._live.update(render(frame), refresh=True)
        time.sleep(self._delay)


def show_all(frames: Sequence[Frame], delay: float) -> None:
    """Show the frames one after the other; in a pipe print them all."""
    shown = console()
    if not shown.is_terminal:
        for frame in frames:
            shown.print(render(frame))
        return
    with Live(console=shown, auto_refresh=False) as live:
        for frame in frames:
            live.update(render(frame), refresh=True)
            time.sleep(delay)


def browse(frames: Sequence[Frame]) -> None:
    """Step through the frames with keys."""
    steps = {
        "\x1b[C": 1, " ": 1, "n": 1, "\r": 1, "\x1b[D": -1, "p": -1, "b": -1, "\x1b[B": 10, "\x1b[A": -10,
        "\x1b[H": -len(frames), "\x1b[F": len(frames), "g": -len(frames), "G": len(frames),
    }  # fmt: skip
    shown = console()
    at = 0
    with Live(console=shown, auto_refresh=False, screen=True) as live:
        while True:
            hint = Text(f"\n{at + 1}/{len(frames)}   right/space next   left back   down/up ten   g/G ends   q quit", style="dim")
            live.update(Group(render(frames[at]), hint), refresh=True)
            try:
                pressed = click.getchar()
            except (KeyboardInterrupt, EOFError):
                return
            if pressed in ("q", "\x1b", "\x04"):
                return
            at = max(0, min(len(frames) - 1, at + steps.get(pressed, 0)))
