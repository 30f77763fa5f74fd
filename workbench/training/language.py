"""Training runs of small language models, from a data set of 'gameplan distill' to a model that plays and is measured."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import count as numbers
from pathlib import Path
from typing import Any, cast

import numpy as np

from games.errors import GameplanError, UnknownName, UsageError, did_you_mean
from games.files import read_file
from games.reading import shown
from games.world import World
from games.worlds import load_world, under_proact
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.episode import play
from planners.language.small import MODEL, needs_learn
from workbench.catalogue.shipped import CHAINS
from workbench.runs.directory import RunDirectory
from workbench.runs.environment import describe_environment
from workbench.runs.formats import SCHEMA
from workbench.runs.kinds import LANGUAGE_MODEL, read_config
from workbench.terminal.interrupts import watched
from workbench.terminal.printing import counted
from workbench.training.loop import DONE, INTERRUPTED, Loop, OnProgress, Watch, is_recorded

TARGETS = ("chain", "action", "shuffled")  # a chain and its move; the move alone; another position's chain, as a control
CHANGEABLE = ("games",)
UNPLAYED = {"mean": None, "standard_error": None, "episodes": 0}
MOST_BYTES = 1 << 30  # of a file of texts

Pair = tuple[str, str]


@dataclass(frozen=True)
class LanguageConfig:
    """A training run of a language model, resolved. `data` is for display: `digest` says which data it is."""

    data: str
    target: str = "chain"
    epochs: int = 3
    batch: int = 16
    rate: float = 1e-3
    decay: float = 0.05
    layers: int = 5
    width: int = 128
    heads: int = 4
    context: int = 256
    seed: int = 0
    games: int = 64
    temperature: float = 0.6
    world: str = ""
    digest: str = ""
    schema: int = SCHEMA


def resolve_language(config: LanguageConfig) -> LanguageConfig:
    """Return `config` with what the data says filled in.

    Raises
    ------
    UsageError
        For a number out of range, or data that is not there.
    GameplanError
        For data that is damaged.
    """
    if config.target not in TARGETS:
        raise UsageError(
            f"target={config.target} is not possible{did_you_mean(config.target, TARGETS)}; legal: {', '.join(TARGETS)}"
        )
    for name in ("epochs", "batch", "layers", "width", "heads"):
        if getattr(config, name) < 1:
            raise UsageError(f"{name}={getattr(config, name)} is too small; it must be at least 1")
    if config.width % config.heads:
        raise UsageError(f"width={config.width} is no multiple of heads={config.heads}")
    if not 16 <= config.context <= 4096:
        raise UsageError(f"context={config.context} is not possible; legal are 16 to 4096 tokens")
    if not 0.0 < config.rate < 1.0 or not math.isfinite(config.decay) or not min(config.decay, config.temperature) >= 0.0:
        raise UsageError("rate lies between 0 and 1; decay and temperature are at least 0")
    folder = Path(config.data)
    path = _split(folder, "train")
    header = folder / "header.json"
    try:
        world = str(json.loads(read_file(header, "header").decode())["settings"]["world"])
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise GameplanError(f"{header} is damaged: it does not say of which world the data is; make the data again") from error
    if world not in CHAINS:  # a name from a file of data is never one of a program
        raise GameplanError(f"{header} says the data is of {shown(world)}; legal are {', '.join(CHAINS)}: make the data again")
    return replace(config, data=str(folder.resolve()), world=world, digest=hashlib.sha256(read_file(path, "texts")).hexdigest())


def read_pairs(folder: Path, split: str, target: str, seed: int = 0) -> list[Pair]:
    """Return (question, answer) of every example of a split, the answers made of what `target` says.

    Raises
    ------
    UsageError
        If there is no such file.
    GameplanError
        For a line that is no example: file and line are named.
    """
    from planners.language.small.tokens import question_of

    path = _split(folder, split)
    if path.stat().st_size > MOST_BYTES:
        raise GameplanError(f"{path} has {path.stat().st_size:,} bytes; at most {MOST_BYTES:,} are read")
    questions, thoughts, moves = [], [], []
    with path.open(encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            try:
                messages = json.loads(line)["messages"]
                system, user, said = (str(message["content"]) for message in messages)
                thought, _, move = said.rpartition("\nmove: ")
                if not thought or not move:
                    raise ValueError
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise GameplanError(
                    f"{path}, line {number} is no example: system, user and an answer that ends in a move"
                ) from error
            questions.append(question_of(system, user))
            thoughts.append(thought)
            moves.append(f"\nmove: {move}")
    if target == "action":
        thoughts = ["thought: I decide."] * len(moves)
    elif target == "shuffled":
        order = np.random.Generator(np.random.PCG64([seed, 101])).permutation(len(thoughts))
        thoughts = [thoughts[k] for k in order]
    return [(question, thought + move) for question, thought, move in zip(questions, thoughts, moves, strict=True)]


def _split(folder: Path, name: str) -> Path:
    path = folder / f"{name}.jsonl"
    if not path.is_file():
        raise UnknownName(str(folder), "data set", f"{folder} is no data set: it has no {path.name}; 'gameplan distill' makes one")
    return path


def saved_language(run: RunDirectory) -> LanguageConfig:
    """Return the configuration of the run in `run`; UsageError if it is a run of another command."""
    return read_config(run, LANGUAGE_MODEL, LanguageConfig)


def resumed_language(run: RunDirectory, changes: Mapping[str, Any]) -> LanguageConfig:
    """Return the configuration of the run in `run`, of the data that `changes` name again; nothing else may differ.

    Raises
    ------
    UsageError
        If no data is named, or it is other data, or something else differs.
    """
    saved = saved_language(run)
    if not changes.get("data"):
        raise UsageError(f"name the data again: gameplan train-lm {saved.data} --resume {run.path}")
    now = resolve_language(replace(saved, data=str(changes["data"])))
    if now.digest != saved.digest:
        raise UsageError(f"{changes['data']} is not the data that the run in {run.path} began with; start anew")
    for name, value in changes.items():
        if name not in ("data", *CHANGEABLE) and value != getattr(saved, name):
            raise UsageError(
                f"the run in {run.path} has {name} = {getattr(saved, name)}, not {value}; a resumed run keeps it: leave it out or "
                "start anew"
            )
    return replace(now, **{name: value for name, value in changes.items() if name in CHANGEABLE})


def identity(config: LanguageConfig) -> dict[str, Any]:
    """Return what makes a run this one."""
    return {key: value for key, value in asdict(config).items() if key not in (*CHANGEABLE, "schema", "data")}


def train_language(
    config: LanguageConfig,
    run: RunDirectory,
    *,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    on_progress: OnProgress = lambda learner, figures: None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Train the model of a resolved `config` in the directory `run`, let it play, and return the result record.

    Raises
    ------
    GameplanError
        If the extra ``learn`` is missing, the texts are too long, or a disk cannot be written.
    """
    needs_learn()
    with run.writing(resume=resume):
        return _train(config, run, resume, Watch(stop, on_progress, say))


def _train(config: LanguageConfig, run: RunDirectory, resume: bool, watch: Watch) -> dict[str, Any]:
    from planners.language.small.files import Model, encode_model
    from planners.language.small.learning import LanguageLearner, encode_texts
    from planners.language.small.network import Size, count
    from planners.language.small.play import agreement
    from planners.language.small.tokens import make_vocabulary

    stop, say = watch.stop, watch.say
    started = time.perf_counter()
    pairs, held = (read_pairs(Path(config.data), split, config.target, config.seed) for split in ("train", "validation"))
    if not pairs:
        raise GameplanError(f"{config.data}/train.jsonl is empty; make the data again")
    vocabulary = make_vocabulary(text for pair in pairs for text in pair)
    texts, others = (encode_texts(vocabulary, some, config.context) for some in (pairs, held))
    size = Size(config.layers, config.width, config.heads, len(vocabulary), config.context)

    def make() -> LanguageLearner:
        return LanguageLearner(size, texts, others, config.batch, config.epochs, config.rate, config.decay, config.seed)

    if not resume:
        run.start(asdict(config), describe_environment(1), {})
    learner = make()
    loop = Loop(
        run, make, identity(config), asdict(config), watch, resume=resume,
        recorded=lambda update: is_recorded(update) or learner.judges(update),
    )  # fmt: skip
    weights = count(learner.parameters)
    counts = counted(weights, "weight"), counted(len(vocabulary), "token"), counted(len(pairs), "text")
    say(f"{', '.join(counts)}, {counted(learner.total, 'batch', 'batches')}")
    if resume and loop.learner.updates >= learner.total:
        say(f"{run.path} had learned from all its texts; it plays again")
    status, problem = loop.learn(lambda loop: DONE if loop.learner.updates >= learner.total else "")
    learner = cast(LanguageLearner, loop.learner)
    score: dict[str, Any] = dict(UNPLAYED)
    agreed = None
    if status != INTERRUPTED:
        model = Model(learner.parameters, size, vocabulary, config.world, config.target)
        run.write(MODEL, encode_model(model))
        with watched(say, "answering what was held out"):
            agreed = agreement(model, held)
        if config.games:
            say(f"playing {counted(config.games, 'game')}")
            score = play_record(model, world_of(config.world), config.games, config.temperature, stop=stop, say=say)
            status = status if score["episodes"] else INTERRUPTED  # to play again when it is resumed
    figures = _finite(learner.figures())
    record = {
        "schema": SCHEMA, "command": "train-lm", "world": config.world, "target": config.target, "epochs": config.epochs,
        "seed": config.seed, "weights": weights, "texts": len(pairs), "updates": learner.updates,
        "tokens": learner.tokens, "loss": figures.get("loss"), "validation_loss": figures.get("validation_loss"),
        "agreement": agreed, "score": score, "seconds": loop.seconds, "cpu_seconds": loop.cpu_seconds, "status": status,
        "problem": problem, "run": str(run.path), "total_seconds": time.perf_counter() - started,
    }  # fmt: skip
    run.write_result(record)
    return record


def world_of(name: str) -> World:
    """Return the world that a model of data about `name` plays: by ProAct's rules where it has them."""
    return load_world(under_proact(name), {})


def play_record(
    model: Any,
    world: World,
    games: int,
    temperature: float,
    seed: int = 0,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Return how a model plays, all games side by side, and a random player beside it on the same seeds; nothing if stopped.

    `planners.language.small.play.account` says what is counted.
    """
    from planners.language.small.play import account, play_games, summary

    seeds = list(range(seed, seed + games))
    start = (lambda k: world.instance(k % len(world))) if len(world) else world.instance  # levels come again
    with watched(say, f"playing {counted(games, 'game')}", None, "turns") as tell:
        turns = numbers()

        def asked() -> bool:  # once a turn
            tell(next(turns))
            return stop()

        played = play_games(model, world, seeds, start=start, temperature=temperature, stop=asked)
    if not played:
        return dict(UNPLAYED)
    found = account(world, played)
    episodes = [play(start(k), find_planner("random"), Budget(), seed=k) for k in seeds]
    drawn = [world.outcome(e.instance, e.states, e.actions, e.rewards) for e in episodes]
    return {"world": world.name, **found, "beside": {"random": summary(world, drawn)}}


def _finite(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in figures.items() if math.isfinite(value)}
