"""The command line: finds commands, and turns whatever goes wrong into one line and an exit code."""

import contextlib
import importlib
import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn


def _interrupt(_number: int, frame: Any) -> None:
    """Handle Ctrl-C: while something is imported, stop at once (libraries must not see it, some swallow it); else as Python does."""
    inner = frame
    while frame is not None:
        if "importlib._bootstrap" in frame.f_code.co_filename:
            os.write(2, b"gameplan: interrupted\n")
            os._exit(130)
        frame = frame.f_back
    signal.default_int_handler(_number, inner)


if __name__ == "__main__" or Path(sys.argv[0]).name == "gameplan":  # from the first moment on: the imports below take a while
    signal.signal(signal.SIGINT, _interrupt)

import click  # noqa: E402

PACKAGES = ("games", "solvers", "planners", "workbench")
GROUPS = {  # title: commands, each with its module in workbench.commands, its name there, and what it is for
    "Solve games": {
        "solve": ("solve:solve", "Solve a game with one algorithm."),
        "compare": ("compare:compare", "Compare algorithms on games, or planners in worlds."),
        "exploit": ("policies:exploit", "Print the exact exploitability of a run or policy file."),
        "best-response": ("answers:best_response", "Find what wins most against a policy."),
        "value": ("answers:value", "Print what policies win against each other."),
        "export": ("policies:export", "Write the policy of a run, or a game for Gambit."),
    },
    "Plan in worlds": {
        "plan": ("plan:plan", "Play episodes of a world with a planner."),
        "replay": ("plan:replay", "Step through an episode, or animate it."),
        "critic": ("critic:critic", "Print Monte-Carlo values of a position."),
    },
    "Let policies and models learn": {
        "train": ("train:train", "Let a policy or value learn in a world."),
        "distill": ("distill:distill", "Write checked chains of reasoning for language models."),
        "train-lm": ("language:train_lm", "Train a small language model on a data set."),
        "play-lm": ("language:play_lm", "Let a small language model play."),
        "serve-lm": ("language:serve_lm", "Offer a small language model to planners."),
    },
    "Discover algorithms": {
        "evolve": ("evolve:evolve", "Let algorithms evolve, and look at discoveries."),
    },
    "Write your own": {
        "new-rule": ("own:new_rule", "Start a CFR rule, or PSRO's solvers, in a file."),
        "check-rule": ("own:check_rule", "Say what is wrong with a rule in a file."),
        "new-planner": ("own:new_planner", "Start a planner in a file."),
        "check-planner": ("own:check_planner", "Say what is wrong with a planner in a file."),
        "new-world": ("own:new_world", "Start a world in a file."),
        "check-world": ("own:check_world", "Say what is wrong with a world in a file."),
        "new-evaluator": ("own:new_evaluator", "Start an evaluator in a file."),
        "check-evaluator": ("own:check_evaluator", "Say what is wrong with an evaluator."),
        "new-policy": ("own:new_policy", "Start a policy, a function, in a file."),
        "check-policy": ("own:check_policy", "Say what is wrong with a policy in a file."),
        "new-method": ("own:new_method", "Start a method of learning in a file."),
        "check-method": ("own:check_method", "Say what is wrong with a method file."),
        "new-task": ("own:new_task", "Start a task of evolution in a folder."),
        "check-task": ("own:check_task", "Say what is wrong with a task of evolution."),
    },
    "Look at what there is": {
        "games": ("catalogue:games", "List games, suites and worlds, or show one."),
        "algos": ("catalogue:algos", "List algorithms and planners, or show one."),
        "plot": ("plot:plot", "Draw runs, policies and dynamics."),
        "show": ("show:show", "Show a run of any kind, or a policy."),
        "report": ("report:report", "Write runs as one page for a browser."),
    },
    "Manage": {
        "runs": ("runs:runs", "List, compare and remove runs."),
        "cache": ("housekeeping:cache_group", "Show or clear the cache of games and kernels."),
        "bench": ("bench:bench", "Measure speed beside what else is installed."),
        "completion": ("completion:completion", "Print what lets a shell complete names."),
        "stub-server": ("stub:stub_server", "Stand in for a language model, to try things out."),
    },
}
COMPLETING = "_GAMEPLAN_COMPLETE"  # set by a shell that asks for names
FORMER = {"psro-show": "policies:psro_show"}  # understood as ever, and told nowhere
COMMANDS = {name: row for group in GROUPS.values() for name, row in group.items()}


def check_packages() -> str | None:
    """Return a line saying which of our packages is somebody else's, or None: other distributions have packages so named."""
    here = Path(__file__).resolve().parent
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found is None or found.parent.parent != here:
            return (
                f"the package {name!r} that Python finds is not Gameplan's but {found or 'missing'}; "
                "run from another directory, unset PYTHONPATH, or install gameplan in an environment of its own"
            )
    return None


class Gameplan(click.Group):
    """The command group: commands in the order of a first session, imported when needed, near misses named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command from its module."""
        place = COMMANDS[cmd_name][0] if cmd_name in COMMANDS else FORMER.get(cmd_name)
        if place is None:
            return None
        from workbench.commands.examples import with_examples

        module, _, name = place.partition(":")
        command = getattr(importlib.import_module(f"workbench.commands.{module}"), name)
        assert isinstance(command, click.Command)
        if COMPLETING in os.environ:
            from workbench.commands.completing import offer_names

            offer_names(command, cmd_name)
        return with_examples(command, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what every command is for, without importing one."""
        for title, group in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:{max(map(len, COMMANDS))}}", about) for name, (_, about) in group.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a name of another kind than it takes is told what it is, a broken plug-in is told in a line."""
        from games.plugins import REGISTRY
        from workbench.terminal.printing import echo, message

        REGISTRY.warn = lambda text: echo(f"gameplan: {message(text)}", err=True)
        try:
            return super().invoke(ctx)
        except Exception as error:
            from games.errors import UnknownName, UsageError

            if not isinstance(error, UnknownName):
                raise
            from workbench.catalogue.naming import explain

            raise UsageError(explain(error)) from error

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Add "did you mean" to click's complaint about an unknown command."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from games.errors import did_you_mean

            raise click.UsageError(f"no such command {args[0]!r}{did_you_mean(args[0], list(COMMANDS))}", ctx) from error


@click.group(cls=Gameplan, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="gameplan", prog_name="gameplan")
@click.option("--debug", is_flag=True, help="Show Python tracebacks.")
def cli(debug: bool) -> None:
    """Exact answers for games and plans: equilibria with their exploitability, curves, comparisons.

    \b
    gameplan solve leduc_2p --algo vad-cfr        one run
    gameplan compare quick --algos cfr+,vad-cfr   a table and a figure
    gameplan games                                what can be played
    gameplan algos                                what can be run
    """


def fail(line: str, code: int, asked: str = "gameplan") -> NoReturn:
    """End with exit code `code` and one line on stderr, which begins with what was `asked`; under --json with an object on stdout.

    Its keys are ``schema``, ``error`` (the line) and ``exit_code``. A command that has printed its own object prints no other.
    """
    from workbench.commands.options import print_error, printed
    from workbench.terminal.printing import echo

    echo(f"{asked}: {line}", err=True)
    options = sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    if "--json" in options and not printed:
        with contextlib.suppress(OSError):  # stdout itself may be what is full or gone; the line on stderr has said so
            print_error(line, code)
    sys.exit(code)


def main() -> None:
    """Run the command line; errors become one line on stderr and an exit code."""
    problem = check_packages()
    if problem:
        click.echo(f"gameplan: {problem}", err=True)  # noqa: TID251 (our packages are not there)
        sys.exit(1)
    from workbench.terminal.printing import echo, message

    debug = "--debug" in sys.argv or bool(os.environ.get("GAMEPLAN_DEBUG"))
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    try:
        code = _run(arguments, debug)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        echo(error.format_message())
        sys.exit(0)
    except (click.Abort, KeyboardInterrupt):
        fail("interrupted", 130)
    except click.ClickException as error:
        path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "gameplan"
        told = " ".join(line.strip() for line in error.format_message().rstrip(".").splitlines())
        fail(f"{message(told)}; see '{path} --help'", error.exit_code, path)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except Exception as error:
        from games.errors import GameplanError

        if debug:
            raise
        if isinstance(error, GameplanError):
            fail(message(str(error)), error.exit_code)
        if isinstance(error, MemoryError):
            fail("out of memory; choose a smaller game, model or batch", 1)
        if isinstance(error, OSError) and error.errno is not None:  # a full disk under stdout, a name that is too long ...
            where = f": {error.filename}" if error.filename else ""
            fail(message(f"the operating system refuses{where} ({error.strerror}); make room or name another place"), 1)
        fail(f"unexpected {message(f'{type(error).__name__}: {error}')}; run again with --debug and report it", 1)
    sys.exit(code)


def _run(arguments: list[str], debug: bool) -> int:
    """Run a command; return its exit code. What comes out of a program of the user's own is told as that, were it an exit."""
    try:
        return cli.main(arguments, prog_name="gameplan", standalone_mode=False) or 0
    except BaseException as error:
        if debug or "games.modules" not in sys.modules:  # then no program of the user's own has run
            raise
        from games.blame import of_users

        told = of_users(error)
        if told is None:
            raise
        raise told from error


if __name__ == "__main__":
    main()
