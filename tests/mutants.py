"""Mutation testing: change one operator or constant at a time and report what no test notices.

    make mutants                      # the fixed sample tests/data/mutants.txt, every one of which must be noticed
    make mutants COUNT=200 SEED=1     # as many drawn from all of solvers/, planners/ and games/

A mutant is one line changed. Each is tried in a copy of the tree with the tests that concern its file (`CONCERNED`), which stop at the
first failure; a mutant that no test notices is printed as a difference. Kernels belong to the import closure of their module
(`games.kernel_cache`), so that a mutant compiles again what it touches and no more.
"""

import argparse
import ast
import compileall
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import NamedTuple

TOP = Path(__file__).resolve().parent.parent
SAMPLE = Path(__file__).with_name("data") / "mutants.txt"
PACKAGES = ("solvers", "planners", "games")
CPU_SECONDS = 300  # a mutant; one that computes for longer hangs, and is noticed
WAITING = 1200.0  # seconds until one that does not even compute is ended
# Path, or the beginning of one -> the test files that concern it, the quickest to tell first; the longest entry holds.
CONCERNED = {
    "solvers/": "regression twin properties",
    "solvers/cfr/": "regression conformance rule_files",
    "solvers/cfr/rules/": "regression twin",
    "solvers/cfr/class_form": "class_form",
    "solvers/cfr/rule_file": "rule_files",
    "solvers/rule": "regression twin meta_solvers rule_files",
    "solvers/psro/": "meta_solvers regression payoffs psro",
    "solvers/plans": "psro payoffs",
    "solvers/lp": "lp psro properties games",
    "planners/": "planners_conformance plan",
    "planners/search/best_first": "sokoban_search planners_conformance",
    "planners/search/idastar": "sokoban_search planners_conformance",
    "planners/search/portfolio": "sokoban_search planners_conformance",
    "planners/search/expectimax": "expectimax planners_conformance",
    "planners/search/mcts": "mcts planners_conformance",
    "planners/search/tree": "mcts planners_conformance",
    "planners/parts/table": "process mcts expectimax",
    "planners/search/record": "mcts process expectimax",
    "planners/critic/monte_carlo": "critic",
    "planners/evaluator": "critic flare",
    "planners/parts/exact": "graphs flare",
    "planners/critic/flat": "critic planners_conformance",
    "planners/search/proact": "mcts critic planners_conformance",
    "planners/flare/": "flare planners_conformance",
    "planners/parts/": "flare planners_conformance critic",
    "planners/metrics": "marks flare compare",
    "planners/episode": "planners_conformance plan expectimax critic",
    "planners/budget": "budget planners_conformance plan critic",
    "planners/search/pace": "planners_conformance plan critic expectimax",
    "planners/language/": "language language_endpoint",
    "planners/language/parser": "language_endpoint language",
    "games/": "games properties registry",
    "games/game2048/": "game2048 process expectimax gymnasium",
    "games/sokoban/": "sokoban_engine sokoban_levels sokoban_search sokoban_traps gymnasium",
    "games/sokoban/levels": "sokoban_levels sokoban_engine",
    "games/sokoban/lurd": "sokoban_levels sokoban_engine",
    "games/graphs/": "graphs flare process",
    "games/gambit/": "gambit_files",
    "games/params": "rule_files meta_solvers cli",
    "games/process": "process",
    "games/dispatch": "process kernel_cache",
    "games/random": "random process",
    "games/blocks": "regression properties",
    "games/gymnasium": "gymnasium",
    "games/world": "process plan",
    "games/jit": "kernel_cache",
    "games/kernel_cache": "kernel_cache",
    "games/sources": "kernel_cache",
}
BINARY = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}  # fmt: skip
COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn,
    ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


class Mutant(NamedTuple):
    """One line of one file, as it is and as it becomes; `number` counts from 0 among equal lines of the file."""

    path: str
    before: str
    after: str
    number: int = 0

    def __str__(self) -> str:
        where = f" {self.number}" if self.number else ""
        return f"{self.path}{where}\n- {self.before.strip()}\n+ {self.after.strip()}\n"


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in the place of one node of a syntax tree."""
    match node:
        case ast.BinOp(left, op, right) if type(op) in BINARY and not isinstance(left, ast.Constant | ast.JoinedStr):
            yield ast.BinOp(left, BINARY[type(op)](), right)
        case ast.BinOp(left, op, right) if type(op) in BINARY and not isinstance(getattr(left, "value", 0), str):
            yield ast.BinOp(left, BINARY[type(op)](), right)
        case ast.AugAssign(target, op, value) if type(op) in BINARY:
            yield ast.AugAssign(target, BINARY[type(op)](), value)
        case ast.Compare(left, [op], right) if type(op) in COMPARED:
            yield ast.Compare(left, [COMPARED[type(op)]()], right)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.Not(), operand) | ast.UnaryOp(ast.USub(), operand):
            yield operand
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value) | float(value)) if value in (0, 1, 2):
            yield ast.Constant(value + 1 if value != 1 else type(value)(0))
        case ast.Call(ast.Name("min" | "max" as name), arguments, keywords):
            yield ast.Call(ast.Name("max" if name == "min" else "min"), arguments, keywords)


def mutants(path: Path, top: Path = TOP) -> list[Mutant]:
    """Return all mutants of a file: expressions that lie on one line, texts, annotations and errors' wording left out."""
    source = path.read_text()
    lines = source.splitlines()
    found: list[Mutant] = []

    def visit(node: ast.AST) -> None:
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list") or isinstance(value, ast.JoinedStr):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not isinstance(child, ast.Raise | ast.JoinedStr | ast.Assert | ast.Import):
                    add(child)
                    visit(child)

    def add(node: ast.AST) -> None:
        if getattr(node, "lineno", None) is None or node.lineno != node.end_lineno:
            return
        line = lines[node.lineno - 1]
        begin, end = (len(line.encode()[:offset].decode()) for offset in (node.col_offset, node.end_col_offset))
        for changed in changes(node):
            text = ast.unparse(ast.fix_missing_locations(changed))
            simple = isinstance(changed, ast.AugAssign | ast.Constant | ast.Call | ast.Name)
            after = line[:begin] + (text if simple else f"({text})") + line[end:]
            number = sum(1 for earlier in lines[: node.lineno - 1] if earlier.strip() == line.strip())
            found.append(Mutant(str(path.relative_to(top)), line, after, number))

    visit(ast.parse(source))
    return found


def read_sample(path: Path) -> list[Mutant]:
    """Return the mutants of a file in which each is a path (and number), a line with ``-`` and one with ``+``."""
    found = []
    for entry in path.read_text().split("\n\n"):
        where, before, after = entry.strip().splitlines()
        name, _, number = where.partition(" ")
        found.append(Mutant(name, before[2:], after[2:], int(number or 0)))
    return found


def apply(mutant: Mutant, top: Path) -> str:
    """Write the mutant into the tree at `top`; return the text of the file as it was.

    Raises
    ------
    SystemExit
        If the line is no longer there.
    """
    path = top / mutant.path
    text = path.read_text()
    lines = text.splitlines(keepends=True)
    places = [k for k, line in enumerate(lines) if line.strip() == mutant.before.strip()]
    if len(places) <= mutant.number:
        raise SystemExit(f"{mutant.path} no longer has this line, so put another in its place in {SAMPLE.name}:\n{mutant}")
    k = places[mutant.number]
    indent = lines[k][: len(lines[k]) - len(lines[k].lstrip())]
    lines[k] = indent + mutant.after.strip() + "\n"
    path.write_text("".join(lines))
    return text


def concerned(path: str) -> list[str]:
    """Return the test files that concern a source file."""
    best = max((prefix for prefix in CONCERNED if path.startswith(prefix)), key=len)
    files = [Path(f"tests/test_{name}.py") for name in CONCERNED[best].split()]
    return [str(file) for file in files if (TOP / file).exists()]


def notice(mutant: Mutant, top: Path) -> tuple[bool, str]:
    """Try a mutant in the tree at `top`, which is left as it was; return whether it was noticed, and by what or why not."""
    original = apply(mutant, top)
    try:
        link_games(top, compiled=not mutant.path.startswith("games/"))
        code, output = run_tests(top, concerned(mutant.path))
    finally:
        (top / mutant.path).write_text(original)
        link_games(top)
    if code == 0:
        return False, "all tests passed"
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return True, "the clock"
    failed = [line.split(" ", 1)[1].split(" - ")[0] for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    if not failed:  # the process was ended by a signal, or nothing could be collected
        return True, f"exit code {code}"
    if "::" in failed[0] and run_tests(top, failed[:1])[0] != 0:
        return False, f"{failed[0]} fails without it too"
    return True, failed[0]


def run_tests(top: Path, what: list[str]) -> tuple[int, str]:
    """Run tests in the tree at `top` up to the first failure; return pytest's exit code and output."""
    limited = f"""import pytest, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_SECONDS}, {CPU_SECONDS}))
sys.exit(pytest.main(sys.argv[1:]))"""
    environment = {**os.environ, "PYTHONPATH": str(top), "PYTHONDONTWRITEBYTECODE": "1", "GAMEPLAN_CACHE": str(top / "cache")}
    options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--no-header", "-m", "not slow"]
    child = subprocess.Popen(
        [sys.executable, "-c", limited, *options, *what], cwd=top, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = child.communicate(timeout=WAITING)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL, ""
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return child.returncode, output


def copy_tree(to: Path) -> None:
    """Copy what the tests need, and link the kernels compiled so far, which mutants then add to without touching them."""
    from games.jit import kernel_cache

    for name in (*PACKAGES, "workbench", "tests", "docs"):
        shutil.copytree(TOP / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("cli.py", "pyproject.toml", "README.md"):
        shutil.copy(TOP / name, to / name)
    compileall.compile_dir(to, quiet=2)  # once, not in every process: a mutant's file has another time
    link_tree(kernel_cache(), to / "cache" / kernel_cache().name)


def link_games(top: Path, *, compiled: bool = True) -> None:
    """Let the tree have the games compiled so far, or none: a game on disk tells nothing of a compiler, nor of one that was changed."""
    from games.cache import game_directory

    shutil.rmtree(top / "cache" / game_directory().name, ignore_errors=True)
    if compiled:
        link_tree(game_directory(), top / "cache" / game_directory().name)


def link_tree(source: Path, target: Path) -> None:
    """Link all files of a directory of the cache, if there is one."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=link, ignore=shutil.ignore_patterns("*.tmp*"))


def link(source: str, target: str) -> None:
    """Link a file of the cache, whose files are replaced but never written to; copy it from another disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def run(chosen: list[Mutant], workers: int) -> list[Mutant]:
    """Try all mutants, `workers` at a time; return the survivors."""
    survivors = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        trees: Queue[Path] = Queue()
        for k in range(workers):
            copy_tree(Path(scratch) / str(k))
            trees.put(Path(scratch) / str(k))

        def attempt(mutant: Mutant) -> tuple[bool, str, float]:
            tree, begin = trees.get(), time.monotonic()
            try:
                return *notice(mutant, tree), time.monotonic() - begin
            finally:
                trees.put(tree)

        with ThreadPoolExecutor(workers) as pool:
            for mutant, (noticed, by, seconds) in zip(chosen, pool.map(attempt, chosen), strict=True):
                if noticed:
                    print(f"{mutant.path}: {by} ({seconds:.0f} s)", flush=True)
                else:
                    survivors.append(mutant)
                    print(f"\nnot noticed ({by}, {seconds:.0f} s):\n{mutant}", flush=True)
    return survivors


def main() -> int:
    """Run from the command line; return 1 if a mutant survives."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=0, help="how many to draw; 0 takes the fixed sample")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--under", default="", help="only files whose path begins so")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if not options.count:
        chosen = read_sample(SAMPLE)
    else:
        files = [path for package in PACKAGES for path in sorted((TOP / package).rglob("*.py"))]
        every = [m for path in files if str(path.relative_to(TOP)).startswith(options.under) for m in mutants(path)]
        chosen = random.Random(options.seed).sample(every, min(options.count, len(every)))
    survivors = run(chosen, options.workers)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants were noticed")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main())
