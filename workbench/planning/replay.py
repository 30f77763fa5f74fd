"""Episodes played again from a run directory, as frames for a terminal or an animation."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from games.dispatch import suited
from games.errors import GameplanError, UsageError
from games.files import reason, write_output
from games.process import unlisted
from games.random import stream
from games.world import Cell, Instance, World
from planners.episode import options, play, step
from planners.planner import Decision, Planner
from workbench.planning.addresses import check_addresses
from workbench.planning.config import EPISODES, PlanConfig, load_plan, trusted_plan, with_copies
from workbench.planning.run import instance_of
from workbench.runs.directory import RunDirectory, blamed
from workbench.runs.programs import explained, kept_programs, own_names

MAX_GIF_FRAMES = 2000


class Frame(NamedTuple):
    """One moment of an episode: the state as a picture (rows of cells) or a text, and what was decided in it."""

    title: str
    picture: Sequence[Sequence[Cell]] | None
    text: str
    action: str
    values: Sequence[tuple[str, float, int]]


def frame_of(
    world: World, instance: Instance, number: int, state: np.ndarray, total: float, action: int | None, decision: Decision | None
) -> Frame:
    """Return the frame of `state`, the return so far being `total`; `action` is what was done in it."""
    picture = getattr(world, "picture", None)
    known = () if decision is None else decision.values
    return Frame(
        title=f"{world.name} {instance.name}  step {number}  return {total:g}",
        picture=picture(instance, state) if picture else None,
        text=world.text(instance, state),
        action="" if action is None else world.action_name(instance, state, action),
        values=[(world.action_name(instance, state, v.action), float(v.value), int(v.visits)) for v in known],
    )


def load_frames(run: RunDirectory, episode: int, *, values: bool = False, trusted: bool = False) -> list[Frame]:
    """Return the frames of an episode of `run`; with `values` the planner plans again, with the units it had.

    Raises
    ------
    UsageError
        If the run has no such episode, or a world of its own and is not `trusted`.
    GameplanError
        If the actions on record do not fit the world as it is now.
    """
    config = trusted_plan(run, {}, trusted, f"gameplan replay {run.path}")
    if values and not trusted:
        try:
            check_addresses(config.params, {}, "")
        except UsageError as error:
            raise UsageError(
                f"the planner of the run in {run.path} asks an address or uses a file that is not taken from a run directory; "
                f"if you trust the run: gameplan replay {run.path} --values --trusted"
            ) from error
    lines = {line["episode"]: line for line in run.read_lines(EPISODES)}
    if not lines:
        raise UsageError(f"{run.path} has no finished episode yet; play some with: gameplan plan --resume {run.path}")
    if episode not in lines:
        raise UsageError(f"{run.path} has no episode {episode}; it has {len(lines)}: {', '.join(_ranges(sorted(lines)))}")
    line = lines[episode]
    config, texts = with_copies(config, run), kept_programs(run, config.programs)
    if not values:  # then nobody asks the planner, and it must not touch what its parameters name
        config = replace(config, planner="random", params={})
        texts.pop("planner", None)
    with blamed(run):
        world, planner = load_plan(config, texts)
    with explained(own_names(config)):
        return _frames(run, config, world, planner, episode, line, values)


def _ranges(numbers: Sequence[int]) -> list[str]:
    """Return ascending numbers as texts such as "0 to 3" and "7"."""
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    return [f"{a}" if a == b else f"{a} to {b}" for a, b in zip(starts, ends, strict=True)]


def _frames(
    run: RunDirectory, config: PlanConfig, world: World, planner: Planner, episode: int, line: dict[str, Any], values: bool
) -> list[Frame]:
    instance, seed = instance_of(config, world, episode)
    decisions: dict[int, Decision] = {}
    if values:
        budgets = [config.budget().repeated(units) for units in line["units"]]
        played = play(
            instance, planner, budgets, seed=seed, steps=config.steps,
            on_decision=lambda e: decisions.update({len(e.actions): e.decisions[-1]}),
        )  # fmt: skip
        if played.actions != line["actions"]:
            raise GameplanError(f"{run.path}: planning again gave other actions; it was made by another version of the program")
    move, chance, state = suited(step, instance.model), stream("chance", instance.name, seed), instance.start.copy()
    frames, total = [], 0.0
    look, actions = suited(options, instance.model), np.empty(instance.model.actions, np.int64)
    for number, action in enumerate(line["actions"]):
        count, _ = look(instance.model, state, actions)
        if action not in actions[:count] and not unlisted(instance.model, action):  # compiled code would not ask
            raise GameplanError(f"{run.path / EPISODES}: action {action} in step {number} of episode {episode} is not legal there")
        frames.append(frame_of(world, instance, number, state, total, action, decisions.get(number)))
        total += float(move(instance.model, state, action, chance))
    last = frame_of(world, instance, len(line["actions"]), state, total, None, None)
    why = f" ({line['note']})" if "note" in line else ""
    frames.append(last._replace(title=f"{last.title}  {line['status']}{why}"))
    if abs(total - line["return"]) > 1e-9 * max(1.0, abs(total)):
        raise GameplanError(f"{run.path}: the actions on record give another return; it was made by another version of the program")
    return frames


def thinned(frames: Sequence[Frame]) -> list[Frame]:
    """Return at most about `MAX_GIF_FRAMES` of `frames`, evenly spaced, the last among them."""
    every = -(-len(frames) // MAX_GIF_FRAMES)
    return [*frames[::every], *([frames[-1]] if (len(frames) - 1) % every else [])]


def write_gif(frames: Sequence[Frame], path: Path, delay: float, tell: Callable[[str], None] = lambda name: None) -> None:
    """Draw `frames` as an animation to `path` (GIF), `delay` seconds a frame; `tell` hears of every frame drawn.

    Raises
    ------
    UsageError
        If the file is not to end in .gif.
    GameplanError
        If it cannot be written.
    """
    from matplotlib.animation import FuncAnimation, PillowWriter
    from matplotlib.figure import Figure

    if path.suffix != ".gif":
        raise UsageError(f"{path} does not end in .gif, the only animation that can be written")
    rows, columns = _extent(frames[0])
    figure = Figure(figsize=(max(2.5, columns), rows + 0.7), dpi=max(20, min(100, int(600 / max(rows, columns)))))
    axes = figure.subplots()

    def draw(frame: Frame) -> list[Any]:
        axes.clear()
        axes.set_axis_off()
        axes.set_title(f"{frame.title}  {frame.action}", fontsize=9)
        if frame.picture is None:
            axes.text(0, 1, frame.text, family="monospace", fontsize=9, va="top", transform=axes.transAxes)
            return []
        from matplotlib.colors import to_rgb

        axes.imshow(np.array([[to_rgb(cell.ground) for cell in row] for row in frame.picture]), aspect="equal")
        for k in range(1, len(frame.picture)):
            axes.axhline(k - 0.5, color="white", linewidth=0.8)
        for k in range(1, max(map(len, frame.picture))):
            axes.axvline(k - 0.5, color="white", linewidth=0.8)
        size = 22 if columns <= 6 else 14
        for i, row in enumerate(frame.picture):
            for j, cell in enumerate(row):
                if cell.text:
                    axes.text(j, i, cell.text, ha="center", va="center", color=cell.ink, fontsize=size, weight="bold")
        return []

    animation = FuncAnimation(figure, draw, frames=frames, interval=1000 * delay, repeat=False)
    try:
        with tempfile.TemporaryDirectory() as folder:  # the writer wants a file's name
            writer = PillowWriter(fps=1.0 / max(delay, 0.02))  # type: ignore[arg-type]
            done = lambda k, count: tell(frames[k].title)  # noqa: E731
            animation.save(Path(folder) / "play.gif", writer, progress_callback=done)
            drawn = (Path(folder) / "play.gif").read_bytes()
    except OSError as error:
        raise GameplanError(f"cannot draw {path}: {reason(error)}; make room for temporary files") from error
    write_output(path, drawn, "--gif")


def _extent(frame: Frame) -> tuple[float, float]:
    if frame.picture is not None:
        return len(frame.picture) * 0.6, max(len(row) for row in frame.picture) * 0.6
    lines = frame.text.splitlines() or [""]
    return 0.2 * len(lines), 0.09 * max(len(line) for line in lines)
