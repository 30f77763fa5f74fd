"""Speed of key kernels here and at another commit, in turn in one run.

    make bench-against REV=main~3        # names what is more than 5 % slower here, and then ends with exit code 1

Two processes, one a tree, run the same benchmarks in samples of a tenth of a second, in the order A B B A, so that the machine's drift
cancels in the ratio of neighbours. Each tree has a new kernel cache of its own, filled before anything is measured: whether numba can
inline a kernel into another depends on which of them it read from disk. Where code and data happen to lie in memory can cost some
percent for as long as a process lives, so this is done with several pairs of fresh processes, and a slowdown counts if every pair's
median shows it.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
SLOWER = 1.05
SAMPLE = 0.1  # CPU seconds


def iterations(algo: str, game: str, **params: float) -> Callable[[int], object]:
    """Return what runs so many iterations of a CFR rule."""
    from games.loader import load_game
    from workbench.catalogue.algorithms import find_algorithm

    solver = find_algorithm(algo, params, 1000).make(load_game(game), alternating=True)
    return lambda count: solver.advance(solver.iteration + count)


def exploitability(game: str) -> Callable[[int], object]:
    """Return what evaluates the uniform policy so many times."""
    from games.loader import load_game
    from solvers.exploitability import Evaluator, uniform_policy

    evaluate, policy = Evaluator(load_game(game)), uniform_policy(load_game(game))
    return lambda count: [evaluate(policy) for _ in range(count)]


def populations(preset: str, game: str, size: int) -> Callable[[int], object]:
    """Return what grows populations to `size` so many times."""
    from games.loader import load_game
    from workbench.catalogue.algorithms import find_algorithm

    compiled, algorithm = load_game(game), find_algorithm(preset, {}, size)
    return lambda count: [algorithm.make(compiled, alternating=True).advance(size) for _ in range(count)]


def decisions(planner: str, world: str, instances: int = 1, **budget: float) -> Callable[[int], object]:
    """Return what plans at the starts of some instances so many times."""
    from games.random import stream
    from games.worlds import load_world
    from planners.budget import Budget
    from planners.catalogue import find_planner

    starts, player = [load_world(world).instance(k) for k in range(instances)], find_planner(planner)

    def run(count: int) -> None:
        for _ in range(count):
            for instance in starts:
                player.begin(instance, stream("bench"))
                player.decide(instance.start, instance.horizon, Budget(**budget))

    return run


def random_play() -> Callable[[int], object]:
    """Return what plays so many hundreds of games of 2048 at random."""
    from games.game2048.board import random_games
    from games.random import stream
    from games.worlds import load_world

    start = load_world("2048").instance(0).start.view("uint64")[0]
    return lambda count: random_games(start, 100 * count, stream("bench"))


BENCHMARKS: dict[str, Callable[[], Callable[[int], object]]] = {
    "cfr+ on leduc_2p": lambda: iterations("cfr+", "leduc_2p"),
    "cfr+ on liars_dice_6": lambda: iterations("cfr+", "liars_dice_6"),
    "cfr+ on leduc_3p": lambda: iterations("cfr+", "leduc_3p"),
    "vad-cfr on leduc_2p": lambda: iterations("vad-cfr", "leduc_2p", warmup_iterations=0),
    "exploitability of leduc_2p": lambda: exploitability("leduc_2p"),
    "shor-psro on leduc_2p": lambda: populations("shor-psro", "leduc_2p", 8),
    "random play of 2048": random_play,
    "expectimax on 2048": lambda: decisions("expectimax", "2048", 4, expansions=20_000),
    "mcts on 2048": lambda: decisions("mcts", "2048", 1, simulations=200),
    "flare on kg-walk": lambda: decisions("flare-paper", "kg-walk", 8, simulations=16),
    "astar on sokoban": lambda: decisions("astar", "sokoban", 6, expansions=2000),
}


def work() -> None:
    """Answer requests of the parent, one a line: a benchmark and a count (0: find one); answers are counts or CPU seconds."""
    ready: dict[str, Callable[[int], object]] = {}
    for line in sys.stdin:
        name, count = json.loads(line)
        try:
            if name not in ready:
                ready[name] = BENCHMARKS[name]()
                ready[name](1)
            begin = time.process_time()
            ready[name](count or 1)
            answer: object = time.process_time() - begin
            if not count:
                answer, seconds = 1, float(str(answer))
                while seconds < SAMPLE:
                    answer *= 2
                    begin = time.process_time()
                    ready[name](answer)
                    seconds = time.process_time() - begin
        except Exception as error:  # an older tree may lack what is measured
            answer = f"{type(error).__name__}: {error}".splitlines()[0]
        print(json.dumps(answer), flush=True)


class Worker:
    """A process that measures in one tree."""

    def __init__(self, tree: Path, cache: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--work"], cwd=tree, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(tree), "GAMEPLAN_CACHE": str(cache)},
        )  # fmt: skip

    def ask(self, name: str, count: int) -> float | str:
        """Return the CPU seconds of a sample, for `count` 0 the count that makes one, or what went wrong."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([name, count]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        return json.loads(line) if line else "the process ended"

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def ratios(name: str, here: Worker, there: Worker, rounds: int) -> list[float] | str:
    """Return the time here over the time there of `rounds` pairs of samples, or why there are none."""
    for worker, where in ((there, "there"), (here, "here")):
        count = worker.ask(name, 0)
        if isinstance(count, str):
            return f"not measured {where}: {count}"
    found = []
    for k in range(rounds):
        times = [float(worker.ask(name, int(count))) for worker in ((here, there) if k % 2 else (there, here))]
        found.append(times[0] / times[1] if k % 2 else times[1] / times[0])
    return found


def main() -> int:
    """Run from the command line; return 1 if something is slower here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", nargs="?", help="a commit of this repository")
    parser.add_argument("--rounds", type=int, default=10, help="pairs of samples a pair of processes")
    parser.add_argument("--pairs", type=int, default=3, help="pairs of fresh processes")
    parser.add_argument("--only", default="", help="only benchmarks with this in their name")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work()
        return 0
    if not options.revision:
        parser.error("name a commit: make bench-against REV=main~3")
    archive = subprocess.run(["git", "archive", options.revision], cwd=TOP, capture_output=True)
    if archive.returncode:
        parser.error(archive.stderr.decode().strip())
    names = [name for name in BENCHMARKS if options.only in name]
    medians: dict[str, list[float]] = {name: [] for name in names}
    reasons: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        tree, caches = Path(scratch) / "tree", (Path(scratch) / "here", Path(scratch) / "there")
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(tree, filter="data")
        for k in range(1 + options.pairs):  # the first pair compiles
            here, there = Worker(TOP, caches[0]), Worker(tree, caches[1])
            for name in names:
                found = ratios(name, here, there, options.rounds if k else 0)
                if isinstance(found, str):
                    reasons[name] = found
                elif k:
                    medians[name].append(statistics.median(found))
            here.close()
            there.close()
    slower = [name for name in names if medians[name] and min(medians[name]) > SLOWER]
    print(f"time here / time at {options.revision}: median of {options.pairs} pairs of processes, and their range")
    for name in names:
        if not medians[name]:
            print(f"{name:28} {reasons[name]}")
            continue
        verdict = "SLOWER" if name in slower else ""
        print(
            f"{name:28} {statistics.median(medians[name]):6.3f}  ({min(medians[name]):.3f} to {max(medians[name]):.3f})  {verdict}"
        )
    return 1 if slower else 0


if __name__ == "__main__":
    raise SystemExit(main())
