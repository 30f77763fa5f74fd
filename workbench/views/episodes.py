"""Planner runs: the scores of all episodes, and the best one played again, with what the planner thought of every action."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from games.errors import GameplanError
from workbench.planning.replay import Frame, load_frames
from workbench.runs import formats
from workbench.runs.directory import CONFIG, EPISODES, RESULT, TIMING, RunDirectory
from workbench.views.thinning import ascending, thinned_lines

MOST = 2000  # episodes whose scores are shown
AGAIN = 3.0  # seconds that planning an episode again may take, for the values of its actions


@dataclass(frozen=True)
class Episodes:
    """What became of the episodes of a run.

    Attributes
    ----------
    path : Path
    world, planner : str
    lines : sequence of mappings
        As ``episodes.jsonl`` has them, at most about `MOST`.
    seconds : mapping
        Of every episode that has them.
    result : mapping
        The record of a run that has ended: "mean", "summary" ...
    """

    path: Path
    world: str
    planner: str
    lines: Sequence[Mapping[str, Any]]
    seconds: Mapping[int, float]
    result: Mapping[str, Any]

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The episode with the highest score, of equal ones the shortest."""
        return max(self.lines, key=lambda line: (line["score"], -line["steps"]), default=None)


@dataclass(frozen=True)
class Replay:
    """An episode, frame by frame; `note` says why there are no values of actions, if there are none."""

    episode: int
    frames: Sequence[Frame]
    note: str = ""


def view_episodes(path: Path) -> Episodes:
    """Return the episodes of the planner run in the directory `path`.

    Raises
    ------
    GameplanError
        If its files are damaged.
    """
    run = RunDirectory(path)
    config, result = run.read_json(CONFIG), run.read_json(RESULT)
    lines = ascending(thinned_lines(path / EPISODES, formats.EPISODE, MOST), "episode")
    clock = thinned_lines(path / TIMING, formats.EPISODE_TIME, MOST)
    seconds = {line["episode"]: line["seconds"] for line in clock}
    return Episodes(path, config["env"], config["planner"], lines, seconds, result or {})


def replay(view: Episodes, episode: int, *, again: float = AGAIN) -> Replay:
    """Return an episode of a run played again; where that took less than `again` seconds the planner is asked again, too.

    Raises
    ------
    GameplanError
        If it cannot be, because the world is the run's own, say.
    """
    run, note = RunDirectory(view.path), ""
    line = next((line for line in view.lines if line["episode"] == episode), None)
    asks = line is not None and line["decisions"] > 0 and view.seconds.get(episode, again) < again
    if asks:
        try:
            frames = load_frames(run, episode, values=True)
            return Replay(
                episode, frames, "" if any(frame.values for frame in frames) else "this planner tells no values of actions"
            )
        except GameplanError as error:
            note = str(error)
    else:
        note = "what every action was worth takes longer to compute again"
    return Replay(episode, load_frames(run, episode), note)
