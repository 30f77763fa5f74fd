"""``gameplan stub-server``."""

from pathlib import Path
from typing import Any

import click

from workbench.commands.options import duration, json_option, print_json, set_option
from workbench.terminal.printing import echo


def _rates(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    """Turn --fault NAME=RATE options into a table."""
    table = {}
    for text in values:
        name, equals, rate = text.partition("=")
        try:
            table[name.strip()] = float(rate) if equals else 1.0
        except ValueError:
            raise click.BadParameter(f"{text!r} is not of the form NAME=RATE, such as http-429=0.1") from None
    return table


@click.command("stub-server")
@click.option(
    "--mode",
    type=click.Choice(["random", "legal", "scripted", "planner", "edit"]),
    default="random",
    show_default=True,
    help="What it says: any word, a legal one, the texts of --script, the move of --planner, or a changed constant of a program.",
)
@click.option("--planner", default="greedy", show_default=True, help="The planner of --mode planner.")
@set_option
@click.option("--script", type=click.Path(path_type=Path, dir_okay=False), help="JSON array of texts, for --mode scripted.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    callback=_rates,
    metavar="NAME=RATE",
    help="Fail that often: text-after, missing-label, wrong-case, illegal-word, empty, missing-usage, http-429, http-500, "
    "delay, truncated-json, dropped; repeatable.",
)
@click.option(
    "--delay",
    default="1s",
    show_default=True,
    callback=duration,
    metavar="DURATION",
    help="How late answers with the fault 'delay' are.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Seed of all that is random.")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes any that is free.")
@click.option("--model", default="stub", show_default=True, help="The name that the model goes by.")
@json_option
def stub_server(
    mode: str,
    planner: str,
    params: dict[str, Any],
    script: Path | None,
    faults: dict[str, float],
    delay: float,
    seed: int,
    port: int,
    model: str,
    as_json: bool,
) -> int:
    """Stand in for a language model: an OpenAI-compatible endpoint on this machine, without a model.

    Prints two lines for the shell that 'gameplan plan ENV --planner llm' understands, and serves until interrupted.
    """
    import signal

    from planners.language.stub import StubServer, StubSettings
    from planners.language.stub_answers import at_random, at_random_edit, at_random_legal, from_planner, from_script, read_script

    if script is not None and mode != "scripted":
        raise click.UsageError(f"--script {script} is for --mode scripted, not {mode}")
    if mode == "planner":
        respond = from_planner(planner, params)
    elif mode == "scripted":
        if script is None:
            raise click.UsageError("--mode scripted needs --script FILE, a JSON array of texts")
        respond = from_script(read_script(script))
    else:
        respond = {"random": at_random, "legal": at_random_legal, "edit": at_random_edit}[mode]
    server = StubServer(StubSettings(respond, model, seed, faults, delay), port)
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
        shown = ", ".join(f"{name} {count}" for name, count in sorted(server.counts.items())) or "none"
        echo(f"requests and faults: {shown}", err=True)
    finally:
        server.stop()
    return 0
