"""``gameplan train-lm``, ``gameplan play-lm`` and ``gameplan serve-lm``: small language models from nothing (extra ``learn``)."""

from pathlib import Path
from typing import Any

import click

from workbench.commands.options import RUNS, FiniteRange, Option, check_goes_on, json_option, print_json
from workbench.commands.run_names import RunName
from workbench.terminal.printing import counted, echo


@click.command("train-lm")
@click.argument("data", required=False)
@click.option(
    "--answers", "target", cls=Option, former=["--target"], type=click.Choice(["chain", "action", "shuffled"]),
    default="chain", show_default=True,
    help="What answers are: a chain and its move, the move alone, or (as a control) another position's chain and the move.",
)  # fmt: skip
@click.option("--epochs", default=3, show_default=True, type=click.IntRange(1), help="Times that all texts are seen.")
@click.option("--batch", default=16, show_default=True, type=click.IntRange(1), help="Texts of an update.")
@click.option("--rate", default=1e-3, show_default=True, type=FiniteRange(0), help="Greatest learning rate.")
@click.option("--decay", default=0.05, show_default=True, type=FiniteRange(0), help="Weight decay.")
@click.option("--layers", default=5, show_default=True, type=click.IntRange(1), help="Layers of the network.")
@click.option("--width", default=128, show_default=True, type=click.IntRange(1), help="Numbers a token is carried by.")
@click.option("--heads", default=4, show_default=True, type=click.IntRange(1), help="Heads of attention.")
@click.option("--context", default=256, show_default=True, type=click.IntRange(16), help="Most tokens of question and answer.")
@click.option(
    "--episodes", "games", cls=Option, former=["--games"], default=64, show_default=True, type=click.IntRange(0),
    help="Games that are played at the end.",
)  # fmt: skip
@click.option("--temperature", default=0.6, show_default=True, type=FiniteRange(0), help="Of the answers in these games.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of weights, order and games.")
@click.option("--out", type=click.Path(path_type=Path), help="Run directory.  [default: runs/<date>-<data>-train-lm-s<seed>]")
@click.option("--force", is_flag=True, help="Replace the run directory if it exists.")
@click.option("--resume", type=RunName("train-lm"), metavar="RUN", help="Go on with the run in this directory.")
@json_option
@click.pass_context
def train_lm(
    ctx: click.Context, data: str | None, out: Path | None, force: bool, resume: Path | None, as_json: bool, **options: Any
) -> int:
    """Train a small language model from nothing on DATA, a data set of 'gameplan distill', and let it play.

    Needs the extra learn: pip install 'gameplan[learn]'. The run goes on after an interruption; equal seeds do not mean equal bits.
    Exit codes: 0 done, 1 error, 2 usage, 3 training diverged, 130 interrupted.
    """
    from planners.language.small import needs_learn
    from workbench.runs.directory import RunDirectory, default_path
    from workbench.terminal.interrupts import stop_on_signal
    from workbench.terminal.progress import say
    from workbench.terminal.train import language_display, print_language
    from workbench.training.language import LanguageConfig, resolve_language, resumed_language, train_language
    from workbench.training.loop import DIVERGED, INTERRUPTED

    needs_learn()
    check_goes_on(ctx, resume, out, force)
    if resume is not None:
        run = RunDirectory.open(resume)
        default = click.core.ParameterSource.DEFAULT
        given = {key: value for key, value in options.items() if ctx.get_parameter_source(key) != default}
        config = resumed_language(run, {**given, "data": data})
    elif data is None:
        raise click.UsageError("name the data: a directory that 'gameplan distill' has written", ctx)
    else:
        config = resolve_language(LanguageConfig(data=data, **options))
        run = RunDirectory.create(out or default_path(RUNS, config.world, "train-lm", config.seed), force=force)
    try:
        with stop_on_signal() as stop, language_display() as moved:
            record = train_language(config, run, resume=resume is not None, stop=stop, on_progress=moved, say=say)
    finally:
        run.discard_if_empty()
    if as_json:
        print_json(record)
    else:
        print_language(record)
    if record["status"] == INTERRUPTED:
        say(f"interrupted after batch {record['updates']}; continue with: gameplan train-lm {config.data} --resume {run.path}")
        return 130
    return 3 if record["status"] == DIVERGED else 0


@click.command("play-lm")
@click.argument("run", type=RunName("train-lm", "train", known=tuple), metavar="RUN")
@click.argument("world", required=False)
@click.option(
    "--episodes", "games", cls=Option, former=["--games"], default=64, show_default=True, type=click.IntRange(1),
    help="Games, all of them side by side.",
)  # fmt: skip
@click.option("--temperature", default=0.6, show_default=True, type=FiniteRange(0), help="Of the answers.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the first game; the next have those after it."
)
@json_option
def play_lm(run: str, world: str | None, games: int, temperature: float, seed: int, as_json: bool) -> int:
    """Let the language model in RUN play WORLD (by default that of its data), and a random player beside it on the same seeds.

    Boards of 2048 are shown and played as ProAct does. To let it play as a planner: gameplan serve-lm RUN.
    """
    from planners.language.small import needs_learn
    from workbench.runs.formats import SCHEMA

    needs_learn()
    from planners.language.small.files import read_model
    from workbench.terminal.progress import say
    from workbench.terminal.train import print_play
    from workbench.training.language import play_record, world_of

    model = read_model(run)
    found = play_record(model, world_of(world or model.world), games, temperature, seed, say=say)
    record = {"schema": SCHEMA, "command": "play-lm", "run": run, "temperature": temperature, "seed": seed, **found}
    if as_json:
        print_json(record)
    else:
        print_play(record)
    return 0


@click.command("serve-lm")
@click.argument("run", type=RunName("train-lm", "train", known=tuple), metavar="RUN")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes any that is free.")
@click.option("--model", default="gameplan-lm", show_default=True, help="The name that the model goes by.")
@click.option("--batch", default=32, show_default=True, type=click.IntRange(1), help="Answers that are drawn side by side.")
@json_option
def serve_lm(run: str, port: int, model: str, batch: int, as_json: bool) -> int:
    """Offer the language model in RUN on this machine, by the protocol that 'gameplan plan ENV --planner llm' speaks.

    Prints two lines for the shell, and serves until interrupted. Requests that come together are answered in one batch.
    """
    import signal

    from planners.language.small import needs_learn

    needs_learn()
    from planners.language.small.files import read_model
    from planners.language.small.serving import ModelServer

    server = ModelServer(read_model(run), model, port, batch)
    if as_json:
        print_json({"base_url": server.url, "model": model})
    else:
        echo(f"export GAMEPLAN_LLM_BASE_URL={server.url}")
        echo(f"export GAMEPLAN_LLM_MODEL={model}")
    echo("serving; Ctrl-C stops", err=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # 'kill' ends it like Ctrl-C
    try:
        server.serve()
    except KeyboardInterrupt:
        echo(
            f"{counted(server.counts['requests'], 'request')} in {counted(server.counts['batches'], 'batch', 'batches')}", err=True
        )
    finally:
        server.stop()
    return 0
