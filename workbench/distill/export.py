"""What a finished data set has beside its examples: other forms of them, snippets of configuration, header, card."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from games.errors import GameplanError
from games.files import reason, temporary_name
from workbench.catalogue.shipped import CHAINS
from workbench.distill.config import PHASES, SPLITS, DistillConfig
from workbench.distill.store import Store, read_jsonl
from workbench.runs.directory import RunDirectory
from workbench.runs.environment import package_version
from workbench.runs.formats import SCHEMA

HEADER = "header.json"
BIN = 20  # tokens, of the histogram
NOT_SHOWN = "whether a model trained on these chains gets better is not shown by making them"


def finish(config: DistillConfig, run: RunDirectory, store: Store) -> None:
    """Write everything that follows from the examples; files that are there are replaced by the same bytes."""
    for split in SPLITS:
        path = run.path / f"{split}.jsonl"
        _write(run.path / "prompt_completion" / f"{split}.jsonl", _prompts(path))
        _write(run.path / "lists" / f"{split}.json", _lists(path))
    entries = {
        f"gameplan_{config.world.replace('-', '_')}_{split}": {
            "file_name": f"{split}.jsonl",
            "formatting": "sharegpt",
            "columns": {"messages": "messages"},
            "tags": {
                "role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant",
                "system_tag": "system",
            },
        }
        for split in SPLITS
    }  # fmt: skip
    run.write("configs/dataset_info.json", (json.dumps(entries, indent=2) + "\n").encode())
    run.write("configs/axolotl.yaml", _AXOLOTL.encode())
    header = header_of(config, run, store)
    run.write_json(HEADER, header)
    run.write("README.md", card(config, header).encode())


def _prompts(path: Path) -> Iterator[str]:
    for example in read_jsonl(path):
        messages = example["messages"]
        yield json.dumps({"prompt": messages[:2], "completion": messages[2:]}, ensure_ascii=False) + "\n"


def _lists(path: Path) -> Iterator[str]:
    """Yield the pieces of a JSON array of {"system_prompt", "user_prompt", "ast_prompt"}, one line an example."""
    yield "["
    separator = "\n"
    for example in read_jsonl(path):
        system, user, assistant = (message["content"] for message in example["messages"])
        yield separator + json.dumps({"system_prompt": system, "user_prompt": user, "ast_prompt": assistant}, ensure_ascii=False)
        separator = ",\n"
    yield "\n]\n"


def _write(path: Path, parts: Iterable[str]) -> None:
    """Write a file of any length piece by piece, whole or not at all."""
    temporary = path.parent / temporary_name()
    try:
        path.parent.mkdir(exist_ok=True)
        with open(temporary, "w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(parts)
        temporary.replace(path)
    except OSError as error:
        raise GameplanError(f"cannot write {path}: {reason(error)}; make room, then resume") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def header_of(config: DistillConfig, run: RunDirectory, store: Store) -> dict[str, Any]:
    """Return the header: settings, counts, lengths, what was rejected and why, and digests of the files.

    Raises
    ------
    GameplanError
        If a position is in two splits, or twice in one.
    """
    splits: dict[str, Any] = {}
    seen: set[str] = set()
    belongs: dict[str, str] = {}
    for split in SPLITS:
        tokens: Counter[int] = Counter()
        phases: Counter[str] = Counter()
        players: Counter[str] = Counter()
        choices: Counter[str] = Counter()
        for entry in store.metadata(split):
            if entry["key"] in seen or belongs.setdefault(entry["group"], split) != split:
                raise GameplanError(f"{run.path}: the position {entry['key']} of {split} is there already; please report this")
            seen.add(entry["key"])
            tokens[entry["tokens"] // BIN * BIN] += 1
            phases[entry["phase"]] += 1
            players[entry["player"]] += 1
            choices[entry["judgement"]["chosen"]] += 1
        path = run.path / f"{split}.jsonl"
        letters = Counter[str]()
        for example in read_jsonl(path):
            letters.update({message["role"]: len(message["content"]) for message in example["messages"]})
        splits[split] = {
            "examples": store.lines[split],
            "phases": dict(sorted(phases.items())),
            "players": dict(sorted(players.items())),
            "moves": dict(sorted(choices.items())),
            "tokens": {f"{low}-{low + BIN - 1}": count for low, count in sorted(tokens.items())},
            "characters": {role: letters[role] / max(1, store.lines[split]) for role in sorted(letters)},
            "bytes": path.stat().st_size,
            "sha256": _digest(path),
        }
    return {
        "schema": SCHEMA,
        "made by": f"gameplan distill {package_version('gameplan')}",
        "settings": asdict(config),
        "prompts": "our own wording of ProAct's structure (Yu et al. 2026, arXiv 2602.05327)",
        "tokens are": "words, numbers and marks of the answer",
        "characters are": "the mean length of a message; a quarter of it is about the number of tokens of a large vocabulary",
        "splits": splits,
        "rejected": dict(sorted(store.rejected.items())),
        "games": store.games,
        "not shown": NOT_SHOWN,
    }


def _digest(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_AXOLOTL = """datasets:
  - path: train.jsonl
    ds_type: json
    type: chat_template
    field_messages: messages
    roles_to_train: ["assistant"]
test_datasets:
  - path: validation.jsonl
    ds_type: json
    split: train
    type: chat_template
    field_messages: messages
    roles_to_train: ["assistant"]
"""

_CARD = """---
language: en
task_categories:
- text-generation
configs:
- config_name: default
  data_files:
  - split: train
    path: train.jsonl
  - split: validation
    path: validation.jsonl
  - split: test
    path: test.jsonl
---
# Checked chains of reasoning: {world}

{total:,} examples, one move each: a position of {world}, what every possible move leads to, and the move that a teacher takes.

| split | examples | {phases} |
|---|---|{rules}|
{rows}

## How it was made

    gameplan distill {world} --samples {samples} --seed {seed} --form {form} --tokens {tokens} --splits {splits}{extra}

Positions come from play by a mixture of players ({players}; a share of {noise} of the moves is random). {teacher} The chain is
written from what the teacher found, clause by clause, in seeded wording. Before it was kept, the text was read back into claims,
and every claim was checked: those about the position and what follows a move against the environment, those about what is better
later on against the teacher's record. Every move with an effect is mentioned, and the parser reads exactly the chosen one.

Not kept: {rejected}.

Positions that symmetry makes equal are there once, and all that belong together ({together}) are in one split. Starts and levels
of the seeds that tests use are in none.

## What is where

`train.jsonl`, `validation.jsonl`, `test.jsonl`: {{"messages": [system, user, assistant]}}. `prompt_completion/`: the same as
prompt and completion. `lists/`: one JSON array a split of system_prompt, user_prompt, ast_prompt. `configs/`: snippets for
LLaMA-Factory (put it beside the files, or merge it) and axolotl. `metadata/`: for every line its origin, the teacher's judgement,
and the claims as data.
`header.json`: all settings, counts and digests.

## What it is not

{not_shown}. The prompts are our own wording of the structure of Yu et al. 2026 (arXiv 2602.05327). {exact}
"""


def card(config: DistillConfig, header: dict[str, Any]) -> str:
    """Return the card of the data set, Markdown with the front matter that ``datasets`` reads."""
    phases = list(dict.fromkeys(phase for split in header["splits"].values() for phase in split["phases"]))
    order = sorted(phases, key=lambda phase: PHASES.index(phase))
    counts = {
        name: [split["examples"], *(split["phases"].get(phase, 0) for phase in order)] for name, split in header["splits"].items()
    }
    rows = "\n".join(f"| {name} | {' | '.join(f'{n:,}' for n in row)} |" for name, row in counts.items())
    told = import_module(CHAINS[config.world]).told(config.params)
    rejected = ", ".join(f"{count:,} {why}" for why, count in header["rejected"].items()) or "nothing"
    return _CARD.format(
        world=config.world, total=config.samples, phases=" | ".join(order), rules="---|" * (len(order) - 1) + "---", rows=rows,
        samples=config.samples, seed=config.seed, form=config.form, tokens=config.tokens,
        splits=config.splits, extra=_extra(config), players=config.params["players"], noise=config.params["noise"],
        teacher=told.teacher, rejected=rejected, together=told.together, exact=told.imperfect,
        not_shown=NOT_SHOWN[0].upper() + NOT_SHOWN[1:],
    )  # fmt: skip


def _extra(config: DistillConfig) -> str:
    """Return the options that are not the default ones."""
    defaults = import_module(CHAINS[config.world]).PARAMS
    given = [f" --set {name}={_quoted(str(value))}" for name, value in config.params.items() if value != defaults[name]]
    wordings = f" --wordings {config.wordings}" if config.wordings else ""
    return "".join([wordings, " --protocol clean" if config.protocol == "clean" else "", *given])


def _quoted(text: str) -> str:
    return f"'{text}'" if " " in text else text
