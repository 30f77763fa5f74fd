"""``gameplan critic``: Monte-Carlo values of one position."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import click

from workbench.commands.options import FiniteRange, gathered, jobs_option, json_option, print_json
from workbench.commands.plan import levels_option, world_option
from workbench.commands.run_names import RunName
from workbench.terminal.printing import echo


def _policies() -> Collection[str]:
    """Return the names of rollout policies."""
    from planners.critic.monte_carlo import POLICIES

    return POLICIES


class Rollouts(NamedTuple):
    """How values are estimated: M rollouts of T steps, 0 for the world's own, with a discount a step, by a policy's name or run."""

    rollouts: int
    length: int
    gamma: float
    policy: str


@click.command()
@click.argument("env")
@click.option("--board", metavar="TEXT", help="The position: 2048 rows such as '2 16 4 16/2 128 64 4/8 16 8 2/4 4 2 4'.")
@click.option("--seed", default=0, show_default=True, help="Without --board: the start of this instance. Also of the rollouts.")
@click.option("--rollouts", "-m", default=1000, show_default=True, type=click.IntRange(1), help="M: rollouts an action.")
@click.option(
    "--length", "-t", default=0, type=click.IntRange(0), help="T: random steps a rollout.  [default: ProAct's for the world]"
)
@click.option("--gamma", default=0.0, type=FiniteRange(0, 1), help="Discount a step.  [default: ProAct's for the world]")
@click.option(
    "--policy",
    default="all",
    show_default=True,
    type=RunName("train", known=_policies),
    metavar="NAME|RUN",
    help="Rollouts: uniform over all moves with illegal ones (as ProAct), legal ones, pushes; or a learned policy.",
)
@jobs_option("Threads; the result does not depend on it.  [default: one a core]", "--threads")
@world_option
@levels_option
@click.option("--figure", type=click.Path(path_type=Path), metavar="FILE", help="Draw bias and variance against M, T and gamma.")
@json_option
@gathered(estimate=Rollouts)
def critic(
    env: str, board: str | None, seed: int, estimate: Rollouts, jobs: int | None, world: dict[str, str], levels: str | None,
    figure: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Print V and Q of a position of ENV: mean discounted returns of random play, with standard errors (ProAct's critic).

    With --policy RUN, a run of 'gameplan train' or a file in it, of play by that policy.
    """
    from games.errors import UsageError
    from workbench.planning.critic import Question, ask_critic
    from workbench.terminal.progress import drawing, say
    from workbench.terminal.tables import print_table

    options = {**world, **({"levels": levels} if levels else {})}
    question = Question(env, board, seed, *estimate, options)
    if question.learned and figure is not None:
        raise UsageError(f"--figure is drawn for random play only; leave --policy {estimate.policy} out")
    record, loaded, instance, state = ask_critic(question, jobs, say)
    if figure is not None:
        from workbench.figures.critic import draw_critic

        with drawing(figure):
            draw_critic(
                loaded, instance, state, figure, length=estimate.length, gamma=estimate.gamma, policy=estimate.policy, seed=seed
            )  # fmt: skip
    if as_json:
        print_json({"env": env, **record})
        return 0
    echo(loaded.text(instance, state))
    rows = [(a["action"], f"{a['value']:.4f}", f"{a['standard_error']:.2g}", "yes" if a["legal"] else "no") for a in record["q"]]
    print_table(("action", "Q", "standard error", "legal"), rows, prose=("action",))
    echo(f"V {record['v']['value']:.4f} ± {record['v']['standard_error']:.2g}")
    if figure is not None:
        echo(str(figure))
    return 0
