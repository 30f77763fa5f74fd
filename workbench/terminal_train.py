"""What a person sees of training runs: progress while they learn, and what came of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from planners.learning.learner import Learner
from workbench.durations import format_duration
from workbench.terminal import out_console, talk_console


@contextmanager
def training_display(config: Any) -> Iterator[Callable[[Learner, dict[str, float]], None]]:
    """Yield a function that shows how far learning is; nothing is shown where there is no terminal."""
    console = talk_console()
    if not console.is_terminal:
        yield lambda learner, figures: None
        return
    columns = (
        TextColumn("learning"), BarColumn(), TextColumn("{task.fields[shown]}", markup=False), TimeElapsedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    total = config.updates or config.steps or config.time_limit
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total, shown="")

        def moved(learner: Learner, figures: dict[str, float]) -> None:
            done: float = learner.updates if config.updates else learner.environment_steps
            if not (config.updates or config.steps):
                done = progress.tasks[0].elapsed or 0.0
            score = f"  score {figures['score']:,.5g}" if "score" in figures else ""
            progress.update(task, completed=min(done, total), shown=f"{learner.updates:,} {learner.unit}{score}")

        yield moved


def print_training(record: dict[str, Any]) -> None:
    """Print what a training run has found, and where it is kept."""
    console, score = out_console(), record["score"]
    console.print(f"{record['world']}  {record['method']}  {record['updates']:,} updates  {record['status']}", soft_wrap=True)
    if score["mean"] is not None:
        error = "" if score["standard_error"] is None else f" \u00b1 {score['standard_error']:,.4g} (standard error)"
        console.print(f"score        {score['mean']:,.6g}{error}, greedy, {score['episodes']} held-out episodes", soft_wrap=True)
    console.print(
        f"cost         {record['environment_steps']:,} environment steps, {record['expansions']:,} expansions, "
        f"{format_duration(record['cpu_seconds'])} CPU", soft_wrap=True,
    )  # fmt: skip
    console.print(f"play it      gameplan plan {record['world']} --planner policy --policy {record['run']}", soft_wrap=True)
    console.print(f"run          {record['run']}", soft_wrap=True)
