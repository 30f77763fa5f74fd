"""Isolation: hostile programs are contained, normal ones go on; the engine for candidates computes what the solver computes.

The static check would turn most of the hostile programs away. Here they meet the isolation itself.
"""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from games.errors import GameplanError
from workbench.discovery.books.records import Job, Limits, Trial
from workbench.discovery.isolation import client, examine, level, locks, measure
from workbench.discovery.isolation.keeper import descendants
from workbench.discovery.isolation.nursery import KEPT
from workbench.discovery.isolation.source import is_inert

pytestmark = pytest.mark.skipif(locks.level() == "none", reason="no seccomp here")

TOY = """
import numpy as np
from workbench.discovery.isolation.source import load_source
from workbench.discovery.task import BadAnswer

class Toy:
    name, measure, horizon, train, held_out, hurdle = "toy", "cost", 1, ("a",), (), None
    def split(self, source):
        return source, {}
    def prepare(self, structure):
        return load_source(structure)
    def fingerprint(self, source, seed):
        return np.asarray(load_source(source).answer(), float)
    def run(self, program, constants, instance, horizon, seed):
        return {"x": np.asarray(program.answer())}
    def score(self, instance, horizon, seed, answer):
        if answer["x"].shape != () or answer["x"].dtype != np.float64:
            raise BadAnswer("x is no number")
        if answer["x"] == 2.0:
            raise OverflowError("two is too much")
        return float(answer["x"])
    def warm(self, instances):
        pass

TASK = Toy()
"""
LIMITS = Limits(cpu_seconds=1.0, wall_seconds=20.0, memory=300 << 20)
NORMAL = "def answer():\n    return 0.25\n"
HOSTILE = {
    "infinite loop": ("def answer():\n    while True: pass\n", "timeout"),
    "compiled infinite loop": (
        "import numpy as np\nfrom solvers.rule import njit\n@njit\ndef answer():\n    x = np.zeros(1)\n    while True:\n        x[0] += 1.0\n    return x[0]\n",
        "timeout",
    ),
    "memory bomb": ("def answer():\n    x = []\n    while True: x.append(bytearray(1 << 24))\n", "memory"),
    "memory bomb in one": ("import numpy as np\ndef answer():\n    return np.ones(1 << 34)\n", "memory"),
    "fork bomb": ("import os\ndef answer():\n    while True: os.fork()\n", "error:PermissionError"),
    "thread bomb": (
        "import threading, time\ndef answer():\n    while True: threading.Thread(target=print).start()\n",
        "error:RuntimeError",
    ),
    "another program": ("import os\ndef answer():\n    os.execv('/bin/true', ['true'])\n", "error:PermissionError"),
    "file write": ("def answer():\n    open('{there}', 'w').write('here')\n", "error:PermissionError"),
    "file read": ("def answer():\n    raise ValueError(open('{secret}').read())\n", "error:PermissionError"),
    "parent's environment": ("def answer():\n    raise ValueError(open('/proc/{pid}/environ').read())\n", "error:PermissionError"),
    "grandparent's memory": (
        "import ctypes\ndef answer():\n    c = ctypes.CDLL(None, use_errno=True)\n"
        "    c.process_vm_readv({pid}, None, 0, None, 0, 0)\n    raise OSError(ctypes.get_errno(), 'refused')\n",
        "error:PermissionError",
    ),
    "network": ("import socket\ndef answer():\n    socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n", "error:PermissionError"),
    "murder": ("import os\ndef answer():\n    os.kill({pid}, 9)\n", "error:PermissionError"),
    "unlocking": (
        "import resource\ndef answer():\n    resource.setrlimit(resource.RLIMIT_CPU, (99, 99))\n",
        "error:ValueError",  # how Python says EPERM here
    ),
    "silence": ("import os\ndef answer():\n    os._exit(0)\n", "error:NoAnswer"),
    "crash": ("import ctypes\ndef answer():\n    ctypes.string_at(0)\n", "error:SIGSEGV"),
    "no answer": ("def answer():\n    return 'x'\n", "error:BadAnswer"),
    "not a cost": ("def answer():\n    return float('nan')\n", "error:BadAnswer"),
    "writing down every pipe": (
        "import os\ndef answer():\n    for fd in range(20):\n        try: os.write(fd, bytes(64))\n        except OSError: pass\n    return 0.0\n",
        "error:BadAnswer",
    ),
    "a huge promise": (
        "import os, struct\ndef answer():\n    os.write(3, struct.pack('<Q', 1 << 60))\n    return 0.0\n",
        "error:BadAnswer",
    ),
}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    (folder / "task.py").write_text(TOY)
    return str(folder)


def run(task, source, *, limits=LIMITS, **more):
    return measure(Job(task, source, (Trial("a", 1),), limits=limits, **more))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_programs_are_contained(toy, tmp_path, name, monkeypatch):
    monkeypatch.setenv("API_KEY", "swordfish")
    (tmp_path / "secret").write_text("swordfish")
    source, status = HOSTILE[name]
    for key, value in {"{there}": tmp_path / "there", "{secret}": tmp_path / "secret", "{pid}": os.getpid()}.items():
        source = source.replace(key, str(value))
    outcome = run(toy, source)
    assert outcome.status == status, outcome
    assert outcome.values == ()
    assert "swordfish" not in outcome.reason
    assert not (tmp_path / "there").exists()
    after = run(toy, NORMAL)
    assert (after.status, after.values) == ("ok", (0.25,))


def test_environment_holds_no_secret(toy, monkeypatch):
    monkeypatch.setenv("API_KEY", "swordfish")
    with ThreadPoolExecutor(1) as pool:  # a thread of its own: a warden started now
        outcome = pool.submit(
            run, toy, "import os\ndef answer():\n    raise ValueError(sorted(os.environ))\n", limits=Limits(2.0, 20.0)
        ).result()
    assert outcome.status == "error:ValueError"
    assert "PATH" in outcome.reason and "API_KEY" not in outcome.reason


def test_score_is_computed_elsewhere(toy):
    """A program that replaces the task's score in its process gets the score of its answer."""
    outcome = run(
        toy,
        f"import sys\nfor m in list(sys.modules.values()):\n    if hasattr(getattr(m, 'TASK', None), 'score'):\n        type(m.TASK).score = lambda *a: -1.0\n{NORMAL}",
    )
    assert outcome.values == (0.25,), outcome.reason


def test_a_program_cannot_speak_for_the_next_one(toy):
    forged = "import os\ndef answer():\n    for _ in range(9): os.write(3, bytes(8))\n    return 0.5\n"
    assert run(toy, forged).status == "error:BadAnswer"
    assert run(toy, NORMAL).values == (0.25,)


def test_waiting_ends_with_the_wall_clock(toy):
    began = time.monotonic()
    outcome = run(toy, "import os\ndef answer():\n    os.read(4, 1)\n", limits=Limits(5.0, 1.0))
    assert outcome.status == "timeout"
    assert time.monotonic() - began < 10.0
    assert run(toy, NORMAL).values == (0.25,)


def test_trials_of_free_programs_share_no_memory(toy):
    source = "count = [0]\ndef answer():\n    count[0] += 1\n    return float(count[0])\n"
    assert measure(Job(toy, source, (Trial("a", 1), Trial("a", 1)))).values == (1.0, 1.0)


def test_random_numbers_are_functions_of_the_seed(toy):
    source = "import numpy as np\ndef answer():\n    return np.random.random()\n"
    first, again, other = run(toy, source), run(toy, source), run(toy, source, seed=1)
    assert first.values == again.values != other.values


def test_clocks_are_the_parent_s(toy):
    """A program that stops the clocks of its own process is charged what the kernel has counted."""
    busy = "import time\ndef answer():\n    end = time.process_time() + 0.4\n    while time.process_time() < end: pass\n"
    honest = run(toy, f"{busy}    return 0.25\n")
    liar = run(toy, f"{busy}    time.process_time = lambda: 0.0\n    return 0.25\n")
    early = run(
        toy,
        "import time\nclock, time.process_time = time.process_time, lambda: 100.0\n"
        "def answer():\n    end = clock() + 0.4\n    while clock() < end: pass\n    return 0.25\n",
    )
    assert honest.values == liar.values == early.values == (0.25,)
    assert min(honest.seconds[0], liar.seconds[0], early.seconds[0]) > 0.3  # nor does it say that preparing took them


def test_what_the_task_raises_when_it_scores_is_the_program_s_failure(toy):
    outcome = run(toy, "import numpy as np\ndef answer():\n    return np.zeros((), np.int64)\n")
    assert outcome.status == "error:BadAnswer"
    outcome = run(toy, "import numpy as np\ndef answer():\n    return np.array(2.0)\n")  # see TOY
    assert outcome.status == "error:OverflowError" and outcome.values == ()
    assert run(toy, NORMAL).values == (0.25,)


def test_cutoffs(toy):
    late = Trial("a", 1, 0.1)
    assert measure(Job(toy, NORMAL, (Trial("a", 1, 0.3), late, late))).status == "rejected:early"
    outcome = measure(Job(toy, NORMAL, (Trial("a", 1, 0.1, "hurdle"), late)))
    assert (outcome.status, outcome.values) == ("rejected:hurdle", (0.25,))


def test_errors_name_kind_and_line(toy):
    outcome = run(toy, "def answer():\n    x = 1\n    return x / 0\n")
    assert (outcome.status, outcome.reason) == ("error:ZeroDivisionError", "division by zero (line 3)")
    assert run(toy, "def answer(:\n").status == "error:SyntaxError"
    assert examine(Job(toy, "def answer():\n    return float('nan')\n", limits=LIMITS)).status == "rejected:nan"


def test_fingerprints_know_five_digits(toy):
    texts = [
        examine(Job(toy, f"def answer():\n    return {x}\n", limits=LIMITS)).fingerprint for x in ("1.0", "1.0000001", "1.001")
    ]
    assert texts[0] == texts[1] != texts[2]


def test_refuses_where_nothing_locks(toy, monkeypatch):
    monkeypatch.setattr(locks, "level", lambda: "none")
    with pytest.raises(GameplanError, match="--sandbox none"):
        run(toy, NORMAL)
    with ThreadPoolExecutor(1) as pool:  # said so: still another process, and limits
        outcome = pool.submit(run, toy, NORMAL, sandbox="none").result()
        assert (outcome.values, outcome.level) == ((0.25,), "none")
        assert pool.submit(run, toy, HOSTILE["infinite loop"][0], sandbox="none").result().status == "timeout"
    with pytest.raises(GameplanError, match="sandbox"):
        level("some")


def test_no_process_is_left_when_its_thread_ends(toy):
    def work():
        run(toy, NORMAL)
        return client._local.warden.process.pid

    with ThreadPoolExecutor(1) as pool:
        pid = pool.submit(work).result()
    deadline = time.monotonic() + 5.0
    there = Path(f"/proc/{pid}")
    while there.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not there.exists()


def test_a_warden_that_is_killed_is_replaced(toy):
    run(toy, NORMAL)
    client._local.warden.process.kill()
    assert run(toy, NORMAL).values == (0.25,)


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def all_end(pids, seconds=1.0):
    """Whether all of these processes have ended soon."""
    deadline = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(alive, pids))


FORKING = """
import os, time
def stay():
    if os.fork() == 0:
        end = time.monotonic() + 60.0  # should it get away
        while time.monotonic() < end: pass
        os._exit(0)
class Forking(type(TASK)):
    def prepare(self, structure):
        if "SECRETLY" not in structure:
            stay()
        fork = os.fork
        def twice():
            os.fork = fork
            stay()
            return fork()
        os.fork = twice
        return load_source("def answer(): return 0.25")
TASK = Forking()
"""


def test_what_compiles_starts_no_process_and_leaves_none(tmp_path):
    """Should code of a candidate run where structures are compiled: it cannot fork there, and what it starts later ends with it."""
    (tmp_path / "task.py").write_text(TOY + FORKING)
    outcome = run(str(tmp_path), "PARAMS = {}\n")
    assert outcome.status in ("error:BlockingIOError", "error:PermissionError"), outcome
    keeper = client._handle("auto").process.pid
    patient = Limits(1.0, 1.0)
    assert run(str(tmp_path), "SECRETLY = {}\n", limits=patient).status in ("ok", "infra", "timeout")  # whom it holds the pipe open
    left = descendants(keeper)
    assert run(str(tmp_path), "PARAMS = {}\n", limits=patient).status != "ok"
    client._local.warden.end()
    client._local.warden = None
    assert all_end(left)


LOOPING = """
import sys
from workbench.discovery.isolation import measure
from workbench.discovery.books.records import Job, Limits, Trial
measure(Job(sys.argv[1], "def answer():\\n    while True: pass\\n", (Trial("a", 1),), limits=Limits(60.0, 60.0)))
"""


def test_a_killed_client_leaves_no_process(toy):
    process = subprocess.Popen([sys.executable, "-c", LOOPING, toy])
    try:
        deadline = time.monotonic() + 30.0
        below: list[int] = []
        while len(below) < 4 and time.monotonic() < deadline:  # keeper, warden, zygote, child
            time.sleep(0.05)
            below = descendants(process.pid)
        assert len(below) >= 4
    finally:
        process.kill()
        process.wait()
    assert all_end(below)


KEEPING = """
import os, signal, sys, time
from workbench.discovery.isolation import keeper, locks
locks.enter_pid_namespace = lambda: False
def work():
    ready, begun = os.pipe()
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork() == 0:
            os.write(2, b"%d\\n" % os.getpid())
            os.write(begun, b"!")
            time.sleep(60.0)
        os._exit(0)
    os.wait()
    os.read(ready, 1)  # or it would be ended before it has said who it is
    time.sleep({})
keeper.keep(work, os.getppid())
"""


@pytest.mark.parametrize("stop", [True, False])
def test_a_keeper_ends_what_has_left_its_parent(stop):
    """Where there are no PID namespaces: when the client ends the keeper, and when the warden has ended by itself."""
    process = subprocess.Popen([sys.executable, "-c", KEEPING.replace("{}", "60" if stop else "0")], stderr=subprocess.PIPE)
    left = int(process.stderr.readline())
    assert alive(left) or not stop
    if stop:
        process.terminate()
    assert process.wait(10.0) == 0
    assert not alive(left)
    process.stderr.close()


def test_what_waits_may_be_killed(toy):
    """Zygotes, the one forked for the next structure, and the child forked for the next examination are replaced."""
    constant = "def answer():\n    return {}\n"
    for k in range(2):
        assert examine(Job(toy, constant.format(k))).status == "ok"
        assert run(toy, constant.format(float(k))).values == (float(k),)
        (warden,) = children(client._handle("auto").process.pid)
        below = children(int(warden))
        assert len(below) >= 3  # without a structure, with one, waiting for one
        for pid in below:
            os.kill(int(pid), signal.SIGKILL)
        for pid in below:
            while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                time.sleep(0.01)
    assert run(toy, NORMAL).values == (0.25,)
    assert examine(Job(toy, NORMAL)).status == "ok"


def test_what_time_has_ended_is_forgotten_in_its_turn(toy):
    """The process of a program that is ended by the clock on the wall is among those that are kept for the next constants."""
    endless = (
        "from numba import njit\n@njit\ndef answer():\n    x = 1.0\n    while x > 0.0: x = (x + 0.5) % 2.0 + 0.5\n    return x\n"
    )
    assert is_inert(endless) and run(toy, NORMAL).status == "ok"
    assert run(toy, endless, limits=Limits(9.0, 1.0)).status == "timeout"
    warden = client._handle("auto")
    for k in range(KEPT + 1):
        assert run(toy, f"x = {k}\n").status == "error:AttributeError"
    assert client._handle("auto") is warden


def test_what_is_compiled_ahead_is_inert():
    good = "import math\nfrom solvers.rule import njit\nPARAMS = {'a': -1.5}\n@njit\ndef f(x):\n    return x + math.exp(1.0)\n"
    assert is_inert(good)
    for bad in (
        "print(1)", "x = open('f')", "import os", "from os import path", "def f(x): pass", "@njit\ndef f(x=print()): pass",
        "@njit\ndef f(x: print()): pass", "@njit(cache=True)\ndef f(): pass", "class A: pass", "njit = 3\n_x = 1",
        "@njit\ndef f():\n    with objmode(y='a'):\n        pass", "@njit\ndef f():\n    return f.__globals__", "from numba import *",
        "from numba import objmode", "x = [1", "import numba\n@njit\ndef f():\n    return numba.core",
        "x: print(1)", "x: print(1) = 2", "@njit\ndef f(*a: print()): pass", "@njit\ndef f(*, a: print()): pass", "@njit\ndef f(a: print(), /): pass",
        "@njit\ndef f() -> print(): pass", "@njit\ndef f():\n    x: int = 1", "from numpy import vectorize as njit\n@njit\ndef f(): pass",
        "from solvers.rule import maximin as njit\n@njit\ndef f(): pass", "from numba import njit\n@njit\ndef njit(f): return f\n@njit\ndef g(): pass",
        "import numpy as np\n@njit\ndef f(): return np.random.mtrand", "import numpy as np\n@njit\ndef f(): return g(np)",
        "import numpy as np\n@njit\ndef f():\n    m = np.random\n    return m.mtrand", "from numpy import random as r\n@njit\ndef f(): return r.bit_generator",
    ):  # fmt: skip
        assert not is_inert(bad), bad
