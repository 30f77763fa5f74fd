"""ProAct's way to evaluate a language model: forty episodes, every turn on record, and other players beside it on the same seeds.

turns.jsonl      one line a turn: what was shown and answered, how it was read, reward, tokens, seconds
answers/         the endpoint's answers, so that a run which goes on asks nothing twice
beside/<name>/   the run of another player

Source: Yu et al. 2026, arXiv 2602.05327. Mode "proact" shows boards as it does, with its strict parser, its penalties, and its rule
that ten turns without a change end a game of 2048; "clean" has real line breaks in boards of 2048. Both count what a lenient parser
would have read.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from games.errors import UsageError, did_you_mean
from games.modules import is_program
from games.random import stream
from games.world import World, summary_of
from games.worlds import PROACT, load_world, under_proact
from planners.catalogue import find_planner
from planners.language.prompts import PROMPTS
from planners.language.report import DEGRADED
from planners.language.speech import Speech
from planners.status import GIVEN_UP
from workbench.planning.config import PlanConfig, resolve_plan, trusted_plan
from workbench.planning.mixture import Player, parse_players
from workbench.planning.run import DONE, HERE, INTERRUPTED, LANGUAGE, Conduct, run_plan
from workbench.runs.directory import CONFIG, EPISODES, RunDirectory, slug

PROTOCOLS = ("proact", "clean")
BESIDE = "random, flat-critic:rollouts=20"
PASSES = 40  # episodes of 2048; over all levels of a set of Sokoban


def under_protocol(config: PlanConfig, protocol: str, beside: str) -> PlanConfig:
    """Return `config`, not resolved yet, as `protocol` has it, with the players `beside` it.

    Raises
    ------
    UsageError
        For an unknown protocol, another planner than a language model, a world that ProAct does not have, or unknown players.
    """
    if protocol not in PROTOCOLS:
        raise UsageError(
            f"protocol={protocol} is not possible{did_you_mean(protocol, list(PROTOCOLS))}; legal: {', '.join(PROTOCOLS)}"
        )
    if config.planner != LANGUAGE:
        raise UsageError(f"--protocol is for --planner {LANGUAGE}, not {config.planner}; name other players with --beside")
    if config.params.get("mode", protocol) != protocol:
        raise UsageError(f"--protocol {protocol} sets mode={protocol}; leave mode={config.params['mode']} out")
    env = under_proact(config.env)
    world: Any = load_world(env, config.world)
    speech = Speech(world.instance(0))
    if env not in PROACT.values() or speech.prompt(PROMPTS) is None:
        raise UsageError(f"ProAct has no prompt for {config.env}; legal with --protocol: {', '.join(PROACT)}")
    for player in parse_players(beside) if beside.strip() else []:
        planner = find_planner(player.name, player.params)
        planner.begin(world.instance(0), stream("begin"))  # what does not fit this world is said before anything is asked
    episodes = config.episodes or PASSES * max(1, len(world))
    params = {**config.params, "mode": protocol}
    return replace(config, env=env, episodes=episodes, params=params, protocol=protocol, beside=beside)


def run_protocol(
    config: PlanConfig,
    run: RunDirectory,
    conduct: Conduct = HERE,
    *,
    resume: bool = False,
    source: RunDirectory | None = None,
) -> dict[str, Any]:
    """Play the episodes of `config` (`under_protocol`), then those of the players beside it; return the record, with ``protocol``.

    Parameters and errors are those of `workbench.planning.run.run_plan`; the record is saved as that of the run.
    """
    record = run_plan(config, run, conduct, resume=resume, source=source)
    beside = conduct._replace(on_episode=HERE.on_episode, on_decision=HERE.on_decision)  # the episodes that are followed are over
    world = load_world(config.env, config.world)
    rows = [{"player": LANGUAGE, "run": str(run.path), **figures(world, run.read_lines(EPISODES), record["seconds"])}]
    for player in parse_players(config.beside) if config.beside and config.beside.strip() else []:
        if record["status"] != DONE:
            break
        conduct.say(f"beside it, on the same seeds: {player.label}")
        place = RunDirectory(run.path / "beside" / slug(player.label))
        again = (place.path / CONFIG).is_file()
        mine = _of_player(config, player, place if again else None)
        other = run_plan(mine, place if again else RunDirectory.create(place.path), beside, resume=again)
        rows.append({"player": player.label, "run": other["run"], **figures(world, place.read_lines(EPISODES), other["seconds"])})
        if other["status"] == INTERRUPTED:
            record["status"] = INTERRUPTED
    record.pop("digest", None)
    if "language" in record:  # a format error is an action under these rules; an answer that did not come is none
        record["language"]["degraded"] = record["language"]["failures"] > DEGRADED * record["language"]["questions"]
    record["protocol"] = {
        "name": config.protocol,
        "prompts": str(config.params["prompts"]) or "our own wording of ProAct's structure",
        "players": rows,
    }
    run.write_result(record)
    return record


def _of_player(config: PlanConfig, player: Player, begun: RunDirectory | None) -> PlanConfig:
    """Return the run of another player on the same instances and chances; one that has `begun` goes on with its copies."""
    if begun is not None and not is_program(player.name):
        saved = trusted_plan(begun, {}, False, f"gameplan plan --resume {begun.path}")
        if saved.planner == player.name and saved.env == config.env:
            return replace(saved, episodes=config.episodes)
    return resolve_plan(
        PlanConfig(
            config.env, player.name, config.episodes, config.seed, dict(config.world), dict(player.params), steps=config.steps
        )
    )


def figures(world: World, lines: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, Any]:
    """Return what ProAct's protocol asks of episodes, and what their `world` says of them.

    Episodes that an endpoint's failure has ended are ``aborted`` and count for nothing else. ``mean`` is that of the scores; its
    ``standard_error`` is over passes through all instances where the instances are levels. Rates are shares of all turns, NaN-free:
    None where a player cannot err so, or the world does not tell.
    """
    aborted = [line for line in lines if line["status"] == GIVEN_UP and line.get("report", {}).get("failures")]
    played = [line for line in lines if line not in aborted]
    turns = sum(line["steps"] for line in played)
    found: dict[str, Any] = {"episodes": len(played), "aborted": len(aborted), **_mean_over_passes(played)}
    found["turns"] = turns / len(played) if played else None
    found["seconds_per_turn"] = seconds / turns if turns else None
    for name, key in (("format_error_rate", "format_errors"), ("illegal_rate", "illegal")):
        counts = [line.get("report", {}).get(key, line.get(key)) for line in played]
        found[name] = sum(counts) / turns if turns and all(count is not None for count in counts) else None
    reports = [line["report"] for line in played if "report" in line]
    if reports and turns:
        found["strict_format_error_rate"] = sum(report["strict_format_errors"] for report in reports) / turns
        found["lenient_format_error_rate"] = sum(report["lenient_format_errors"] for report in reports) / turns
        for name in ("tokens_in", "tokens_out"):
            found[f"{name}_per_turn"] = sum(line["cost"][name] for line in played) / turns
    if any(line["solved"] is not None for line in played):
        found["solve_rate"] = float(np.mean([bool(line["solved"]) for line in played]))
    told = summary_of(world, played)
    return {**found, **told.figures, "summary": told.lines}


def _mean_over_passes(lines: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Return mean and standard error of the scores: over episodes, or over passes through levels that come again and again."""
    if not lines:
        return {"mean": None, "standard_error": None}
    levels = len({line["instance"] for line in lines})
    passes: dict[int, list[float]] = {}
    for line in lines:
        passes.setdefault(line["episode"] // levels if levels < len(lines) else line["episode"], []).append(line["score"])
    means = np.array([np.mean(scores) for scores in passes.values()])
    error = float(means.std(ddof=1) / math.sqrt(len(means))) if len(means) > 1 else None
    return {"mean": float(np.mean([line["score"] for line in lines])), "standard_error": error}
