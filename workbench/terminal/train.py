"""What a person sees of training runs: progress while they learn, and what came of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from planners.learning.learner import Learner
from workbench.terminal.durations import format_duration
from workbench.terminal.printing import counted
from workbench.terminal.tables import out_console, talk_console
from workbench.training.loop import INTERRUPTED


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


@contextmanager
def language_display() -> Iterator[Callable[[Learner, dict[str, float]], None]]:
    """Yield a function that shows how far a language model is."""
    console = talk_console()
    if not console.is_terminal:
        yield lambda learner, figures: None
        return
    columns = (TextColumn("learning"), TextColumn("{task.fields[shown]}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None, shown="")
        yield lambda learner, figures: progress.update(
            task, shown=f"{learner.updates:,} {learner.unit}  loss {figures.get('loss', float('nan')):.4g}"
        )


def print_language(record: dict[str, Any]) -> None:
    """Print what became of a language model."""
    console, score = out_console(), record["score"]
    console.print(
        f"{record['world']}  train-lm  {record['target']}  {counted(record['weights'], 'weight')}  {record['status']}",
        soft_wrap=True,
    )
    if record["validation_loss"] is not None:
        console.print(f"loss         {record['validation_loss']:.4g} a token of answers that were held out")
    if record["agreement"] is not None:
        console.print(f"agreement    {100 * record['agreement']:.3g} % of their moves")
    if score["mean"] is not None:
        print_play(score)
    console.print(
        f"cost         {counted(record['tokens'], 'token')}, {format_duration(record['cpu_seconds'])} CPU", soft_wrap=True
    )
    if record["status"] != INTERRUPTED:
        console.print(f"serve it     gameplan serve-lm {record['run']}", soft_wrap=True)
    console.print(f"run          {record['run']}", soft_wrap=True)


def print_play(record: dict[str, Any]) -> None:
    """Print how a language model played, and who played beside it."""
    console = out_console()
    for name, found in {"score": record, **record["beside"]}.items():
        error = "" if found["standard_error"] is None else f" \u00b1 {found['standard_error']:,.4g} (standard error)"
        lines = found.get("summary", {})
        about = (
            [f"{counted(found['episodes'], 'game')} of {record['world']}"]
            if found is record
            else [f"{label} {text}" for label, text in lines.items()]
        )
        console.print(f"{name:<12} {', '.join([format(found['mean'], ',.6g') + error, *about])}", soft_wrap=True)
        for label, text in lines.items() if found is record else ():
            console.print(f"{label:<12} {text}", soft_wrap=True)
    console.print(
        f"answers      {100 * record['format_errors']:.3g} % in the wrong format, {100 * record['illegal']:.3g} % without "
        f"effect, {record['tokens_a_turn']:.1f} tokens a turn", soft_wrap=True,
    )  # fmt: skip


def print_training(record: dict[str, Any]) -> None:
    """Print what a training run has found, and where it is kept."""
    console, score = out_console(), record["score"]
    console.print(
        f"{record['world']}  {record['method']}  {counted(record['updates'], 'update')}  {record['status']}", soft_wrap=True
    )
    if "beside" in score:
        print_play(score)
    elif score["mean"] is not None:
        error = "" if score["standard_error"] is None else f" \u00b1 {score['standard_error']:,.4g} (standard error)"
        console.print(
            f"score        {score['mean']:,.6g}{error}, greedy, {counted(score['episodes'], 'held-out episode')}", soft_wrap=True
        )
    if record["optimum"] is not None:
        console.print(f"optimum      {record['optimum']:,.6g}, what the best play expects in those episodes", soft_wrap=True)
    console.print(
        f"cost         {counted(record['environment_steps'], 'environment step')}, {counted(record['expansions'], 'expansion')}, "
        f"{format_duration(record['cpu_seconds'])} CPU", soft_wrap=True,
    )  # fmt: skip
    if record["status"] != INTERRUPTED:  # there is nothing to play with yet
        how = f"plan {record['world']} --planner {'policy --policy' if record['policy'] else 'expectimax --value'}"
        console.print(f"play it      gameplan {'play-lm' if 'beside' in score else how} {record['run']}", soft_wrap=True)
    console.print(f"run          {record['run']}", soft_wrap=True)
