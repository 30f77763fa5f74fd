"""Damaged programs and damaged replies of models: each is a program in normal form, or turned away with a reason.

python -m tests.fuzz.candidates --inputs 10000 --seed 0
"""

import random
import sys

from games.errors import GameplanError
from tests.fuzz.common import run
from workbench.discovery.books.store import program_row
from workbench.discovery.books.text import storable
from workbench.discovery.genome.canonical import canonical, program_id, split, with_constants
from workbench.discovery.operators.language.edits import Refused, read_reply
from workbench.discovery.tasks.cfr.seeds import shipped
from workbench.discovery.tasks.cfr.task import TASK

PARENT = shipped()["pcfr+"]
REPLY = b"REPLY\n"  # what an input that is a model's reply begins with
CLASSES = """
import numpy as np
class RegretAccumulator:
    def update_accumulate_regret(self, info_state_node, iteration_number, cfr_regrets):
        return {a: max(0.0, r) for a, r in cfr_regrets.items()}
class PolicyFromRegretAccumulator:
    def get_updated_current_policy(self, info_state_node, iteration_number, cfr_regrets, previous_policy):
        return previous_policy
class PolicyAccumulator:
    def update_accumulate_policy(self, info_state_node, iteration_number, info_state_policy, cfr_regrets, reach_prob,
                                 counterfactual_reach_prob):
        return info_state_policy
"""
WORDS = [
    b"(" * 300, b"-" * 5000, b"not " * 5000, b"x[0]" * 3000, b"+1" * 3000, b"lambda:" * 2000, b"[" * 300, b"\xed\xa0\x80", b"'\\ud800'",
    b"\\N{DIGIT ONE}", b"0x" + b"f" * 30_000, b"1_0e9999", b"1j", b"...", b"b'x'", b"f'{x!r:{x}}'", b"x: int = 3", b"*x", b"**x", b"x if y",
    b"yield", b"await", b"del x", b"with x:", b"match x:", b"@njit", b"class A: pass", b"import os", b"__import__", b"state", b"PARAMS",
    b"STATE", b"params.a", b"x := 3", b"\\\n", b"\x0c", b"\t", b"# coding: utf-7\n", b"'" * 3, b'"' * 3, b"<<<<<<< SEARCH\n", b"=======\n",
    b">>>>>>> REPLACE\n", b"```python\n", b"```\n", b"</think>",
]  # fmt: skip


def valid() -> list[bytes]:
    """Return programs and replies that are taken."""
    lines = PARENT.splitlines()
    block = f"<<<<<<< SEARCH\n{lines[-1]}\n=======\n    normalise(sigma, infosets)\n{lines[-1]}\n>>>>>>> REPLACE\n"
    replies = [
        f"```python\n{PARENT}```\n",
        f"Here it is.\n\n{block.replace('    normalise(sigma, infosets)' + chr(10), '')}\nDone.",
    ]
    return [*(source.encode() for source in shipped().values()), CLASSES.encode(), *(REPLY + reply.encode() for reply in replies)]


def attempt(data: bytes) -> None:
    """Look at a program as the loop does: check, normal form, id, structure; nothing may raise but refusals."""
    text = data.decode("utf-8", "surrogatepass" if b"\xed" in data else "replace") if _decodes(data) else data.decode("latin-1")
    if data.startswith(REPLY):
        try:
            text = read_reply(storable(text[len(REPLY) :]), PARENT).source
        except Refused as error:
            raise GameplanError(" ".join(str(error).split())[:500]) from error
    found = TASK.problems(text)
    if found:
        assert all("\n" not in line for line in found), found
        raise GameplanError(storable("; ".join(found)[:500]))
    normal = TASK.canonical(text)
    assert TASK.problems(normal) == [], "the normal form does not pass the check"
    assert TASK.canonical(normal) == normal == canonical(normal), "the normal form has another normal form"
    row = program_row(TASK, normal)
    assert storable(normal) == normal and row.id == program_id(normal)
    structure, constants = split(normal)
    assert with_constants(structure, constants) == normal


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


if __name__ == "__main__":
    random.seed(0)
    sys.exit(run("candidates", valid(), attempt, WORDS))
