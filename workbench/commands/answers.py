"""``gameplan best-response`` and ``value``: what beats a policy, and what policies win against each other."""

from pathlib import Path
from typing import Any

import click

from workbench.commands.options import SCHEMA, json_option, print_json, size_option
from workbench.commands.run_names import RunName, known_policies
from workbench.terminal.printing import echo

POLICY = RunName("solve", known=known_policies)


def _warned(text: str) -> None:
    from workbench.terminal.progress import say

    say(f"warning: {text}")


@click.command("best-response")
@click.argument("game", metavar="GAME|RUN")
@click.argument("policy", required=False, type=POLICY, metavar="[POLICY]")
@click.option("--player", type=click.IntRange(0), help="Whose best response.  [default: of every player, each to the others]")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the policy with the responses in it: npz, JSON or CSV."
)
@size_option
@json_option
def best_response(
    game: str, policy: str | None, player: int | None, out: Path | None, max_histories: int, max_memory: int | None, as_json: bool
) -> int:
    """Find what wins most against a policy: that of a RUN in its own game, or POLICY in GAME.

    POLICY is a run, a file (npz, JSON or CSV), or uniform. What is written is a policy like any other: the best response of
    --player, or of every player, each to the others as they were; actions that are equally good share.
    """
    from games.errors import UsageError
    from solvers.exploitability import Evaluator
    from solvers.matches import best_responses
    from workbench.solving.policies import save_policy
    from workbench.terminal.progress import run_display
    from workbench.terminal.solve import print_responses
    from workbench.views.given import game_and_policy

    sizes: dict[str, Any] = {"max_histories": max_histories, "max_memory": max_memory}
    with run_display() as display:
        compiled, name, given = game_and_policy(game, policy, "best-response", _warned, display.walked, **sizes)
    if player is not None and player >= compiled.players:
        raise UsageError(f"--player {player}: {name} has players 0 to {compiled.players - 1}")
    players = list(range(compiled.players)) if player is None else [player]
    found = Evaluator(compiled)(given.policy)
    if out is not None:
        save_policy(compiled, best_responses(compiled, given.policy, player), out)
    record = {
        "schema": SCHEMA, "command": "best-response", "game": name, "policy": given.source, "players": players,
        "values": [found.values[p] for p in players], "best_responses": [found.best_responses[p] for p in players],
        "gains": [found.best_responses[p] - found.values[p] for p in players], "missing_infosets": given.missing,
        "file": None if out is None else str(out),
    }  # fmt: skip
    if as_json:
        print_json(record)
    else:
        print_responses(record)
    return 0


@click.command()
@click.argument("game", metavar="GAME")
@click.argument("policies", nargs=-1, required=True, type=POLICY, metavar="POLICY POLICY...")
@size_option
@json_option
def value(game: str, policies: tuple[str, ...], max_histories: int, max_memory: int | None, as_json: bool) -> int:
    """Print what policies win against each other in GAME, exactly.

    POLICY is a run, a file (npz, JSON or CSV), or uniform. A row's policy has one seat and the column's all others; the table has
    the mean over the seats. Of two players whose payoffs have a constant sum, they are also ranked by Nash averaging: how likely
    each is in the equilibrium of most entropy, and what it wins against that.
    """
    from games.errors import UsageError
    from games.loader import load_game
    from workbench.terminal.progress import run_display
    from workbench.terminal.solve import print_matches
    from workbench.views.given import read_given
    from workbench.views.matches import matched

    if len(policies) < 2:
        raise UsageError(f"name two policies or more, such as: gameplan value {game} {policies[0]} uniform")
    with run_display() as display:
        compiled = load_game(game, max_histories=max_histories, max_memory=max_memory, progress=display.walked)
    given = [read_given(compiled, name, _warned) for name in policies]
    found = matched(compiled, [one.policy for one in given], policies)
    record = {
        "schema": SCHEMA, "command": "value", "game": game, **found.record(), "missing_infosets": [one.missing for one in given],
    }  # fmt: skip
    if as_json:
        print_json(record)
    else:
        print_matches(found)
        echo()
    return 0
