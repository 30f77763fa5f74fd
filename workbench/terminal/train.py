"""What a person sees of training runs: progress while they learn, and what came of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from games.modules import short_name
from planners.learning.learner import Learner
from workbench.terminal.durations import format_duration
from workbench.terminal.printing import counted
from workbench.terminal.progress import FOOT, Work
from workbench.terminal.tables import print_fact, print_line, print_path
from workbench.training.loop import INTERRUPTED


@contextmanager
def training_display(config: Any) -> Iterator[Callable[[Learner, dict[str, float]], None]]:
    """Yield a function that shows how far learning is; nothing is shown where there is no terminal."""
    unit = "updates" if config.updates or not config.steps else "environment steps"
    total = config.updates or config.steps or None
    with FOOT.doing(Work("learning", total, unit, config.time_limit)) as work:

        def moved(learner: Learner, figures: dict[str, float]) -> None:
            score = f"score {figures['score']:,.5g}" if "score" in figures else f"{learner.updates:,} {learner.unit}"
            work.moved(learner.environment_steps if unit != "updates" else learner.updates, score)

        yield moved


@contextmanager
def language_display() -> Iterator[Callable[[Learner, dict[str, float]], None]]:
    """Yield a function that shows how far a language model is."""
    with FOOT.doing(Work("learning", None, "batches")) as work:

        def moved(learner: Learner, figures: dict[str, float]) -> None:
            work.pace.total = getattr(learner, "total", None)
            work.moved(learner.updates, f"loss {figures.get('loss', float('nan')):.4g}")

        yield moved


def print_language(record: dict[str, Any]) -> None:
    """Print what became of a language model."""
    score = record["score"]
    print_line(f"{record['world']}  train-lm  {record['target']}  {counted(record['weights'], 'weight')}  {record['status']}")
    if record["validation_loss"] is not None:
        print_fact("loss", f"{record['validation_loss']:.4g} a token of answers that were held out")
    if record["agreement"] is not None:
        print_fact("agreement", f"{100 * record['agreement']:.3g} % of their moves")
    if score["mean"] is not None:
        print_play(score)
    print_fact("cost", f"{counted(record['tokens'], 'token')}, {format_duration(record['cpu_seconds'])} CPU")
    if record["status"] != INTERRUPTED:
        print_path("serve it", f"gameplan serve-lm {record['run']}")
    print_path("run", record["run"])


def print_play(record: dict[str, Any]) -> None:
    """Print how a language model played, and who played beside it."""
    for name, found in {"score": record, **record["beside"]}.items():
        error = "" if found["standard_error"] is None else f" \u00b1 {found['standard_error']:,.4g} (standard error)"
        lines = found.get("summary", {})
        about = (
            [f"{counted(found['episodes'], 'game')} of {record['world']}"]
            if found is record
            else [f"{label} {text}" for label, text in lines.items()]
        )
        print_fact(name, ", ".join([format(found["mean"], ",.6g") + error, *about]))
        for label, text in lines.items() if found is record else ():
            print_fact(label, text)
    print_fact(
        "answers",
        f"{100 * record['format_errors']:.3g} % in the wrong format, {100 * record['illegal']:.3g} % without "
        f"effect, {record['tokens_a_turn']:.1f} tokens a turn",
    )


def print_training(record: dict[str, Any]) -> None:
    """Print what a training run has found, and where it is kept."""
    score = record["score"]
    world, method = short_name(record["world"]), short_name(record["method"])  # of programs of one's own their names
    print_line(f"{world}  {method}  {counted(record['updates'], 'update')}  {record['status']}")
    if "beside" in score:
        print_play(score)
    elif score["mean"] is not None:
        error = "" if score["standard_error"] is None else f" \u00b1 {score['standard_error']:,.4g} (standard error)"
        print_fact("score", f"{score['mean']:,.6g}{error}, greedy, {counted(score['episodes'], 'held-out episode')}")
    if record["optimum"] is not None:
        print_fact("optimum", f"{record['optimum']:,.6g}, what the best play expects in those episodes")
    print_fact(
        "cost",
        f"{counted(record['environment_steps'], 'environment step')}, {counted(record['expansions'], 'expansion')}, "
        f"{format_duration(record['cpu_seconds'])} CPU",
    )
    if record["status"] != INTERRUPTED:  # there is nothing to play with yet
        how = f"plan {record['world']} --planner {'policy --policy' if record['policy'] else 'expectimax --value'}"
        print_path("play it", f"gameplan {'play-lm' if 'beside' in score else how} {record['run']}")
    print_path("run", record["run"])
