"""Files of the user's own in runs: their texts are kept with the run, and a run directory alone never makes programs run.

A configuration records for each role ("algo", "train", "eval", "env", "planner") the program's digest, and its path for display.
The run directory has a copy, ``PROGRAMS[role]``; a resumed or replayed run, and every worker, goes on with that text. It runs if
the command line names a program with the same text again, or says ``--trusted``.

Files that are data, the roles "game", "lock", "levels", "policy" and "value", are kept alike, and the copy is what is read. No path
in a run directory is followed: a run that was made before such files were kept goes on only if the command line names the file.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from games.blame import place_of
from games.errors import GameplanError, UsageError, line_in, one_line
from games.files import MOST_BYTES, displayed, read_file, write_output
from games.modules import code_file, digest_of, is_attribute, is_program, program_text, read_text
from games.plugins import EVALUATOR
from planners.parts.evaluators import EVALUATORS
from planners.policies.catalogue import POLICY, VALUE
from planners.policies.files import LARGEST
from workbench.runs.directory import GAME, LEARNED, LEVELS, LOCKED, PROGRAMS, RunDirectory, copy_name
from workbench.terminal.printing import visible

KINDS = {
    "algo": "algorithm", "train": "meta-strategy solver", "eval": "meta-strategy solver", "env": "world", "planner": "planner",
    "method": "method", EVALUATOR: "evaluator",
}  # fmt: skip
_DATA_KINDS = {GAME: "game file", LOCKED: "locked policy", LEVELS: "file of levels", POLICY: "policy", VALUE: "value"}

_MARK = "# from gameplan evolve"


def marked(text: str, verb: str, run: str = "") -> str:
    """Return a program that a discovery wrote as it is exported: its first line says where it is from, and how it is run."""
    return f"{_MARK} {verb}{visible(f' {run}' if run else '', one_line=True)}; runs isolated unless --trusted is said\n{text}"


def is_marked(text: str) -> bool:
    """Return whether a program says in its first line that a discovery wrote it; a convenience, not a boundary."""
    return text.startswith(_MARK)


def write_template(path: Path, text: str, what: str, *, force: bool = False) -> None:
    """Write the `text` that a program of the user's own begins with to `path`; `what` it is, such as "rule".

    Raises
    ------
    UsageError
        If the file exists and `force` is not set, or its name does not end in ``.py``.
    GameplanError
        If it cannot be written.
    """
    if path.suffix != ".py":
        raise UsageError(f"{path} cannot be a {what}: its name must end in .py")
    if path.exists() and not force:
        raise UsageError(f"{path} exists; say --force to replace it")
    write_output(path, text, "FILE")


def read_programs(names: Mapping[str, str]) -> dict[str, str]:
    """Return role -> text of those of `names` (role: name) that are programs of the user's own, as they are now.

    Raises
    ------
    UsageError
        If one is not there.
    """
    return {role: program_text(name, f"{KINDS[role]} file") for role, name in names.items() if is_program(name)}


def digests_of(texts: Mapping[str, str]) -> dict[str, str]:
    """Return role -> digest."""
    return {role: digest_of(text) for role, text in texts.items()}


def resolved_name(name: str) -> str:
    """Return how a program is recorded: a path as an absolute one, anything else as it is."""
    return name if is_attribute(name) or not is_program(name) else str(Path(name).resolve())


def kept_programs(run: RunDirectory, digests: Mapping[str, str]) -> dict[str, str]:
    """Return role -> text of the programs that `run` keeps, those recorded with `digests`.

    Raises
    ------
    GameplanError
        If a copy is not what was recorded.
    """
    roles = [role for role in digests if role in PROGRAMS]
    texts = {role: read_text(run.path / PROGRAMS[role], f"{KINDS[role]} kept with the run") for role in roles}
    for role, text in texts.items():
        if digest_of(text) != digests[role]:
            raise GameplanError(
                f"{run.path / PROGRAMS[role]} is not the {KINDS[role]} with which the run started (another digest); start anew"
            )
    return texts


def data_digest(path: str | Path, role: str) -> str:
    """Return the hash by which a run knows a file of data.

    Raises
    ------
    UsageError
        If it cannot be read.
    """
    return hashlib.sha256(read_data(path, role)).hexdigest()


def read_data(path: str | Path, role: str) -> bytes:
    """Return the content of a file of data.

    Raises
    ------
    UsageError
        If it cannot be read, or is too large.
    """
    return read_file(Path(path), _DATA_KINDS[role], LARGEST if role in LEARNED or role == LOCKED else MOST_BYTES)


def read_copies(names: Mapping[str, str], digests: Mapping[str, str]) -> dict[str, bytes]:
    """Return what a run keeps (name of the copy: content) of the data files in `names` (role: path).

    Raises
    ------
    GameplanError
        If one is not what it was when its digest was taken.
    """
    found = {}
    for role, name in names.items():
        content = read_data(name, role)
        if hashlib.sha256(content).hexdigest() != digests[role]:
            raise GameplanError(f"{name} has changed since the command began; run it again")
        found[copy_name(role, name)] = content
    return found


def kept_data(run: RunDirectory, role: str, name: str, digests: Mapping[str, str]) -> Path:
    """Return the copy that `run` keeps of the data file `name`.

    Raises
    ------
    GameplanError
        If it is not what was recorded.
    """
    path = run.copy_of(copy_name(role, name), Path(name))
    if data_digest(path, role) != digests[role]:
        raise GameplanError(f"{path} is not the {_DATA_KINDS[role]} with which the run started (another digest); start anew")
    return path


def check_trust(
    run: RunDirectory, saved: Mapping[str, str], digests: Mapping[str, str], named: Mapping[str, str], trusted: bool, again: str
) -> None:
    """Refuse to run what only the run directory names.

    Parameters
    ----------
    saved, named : mapping
        Role -> name as the run directory and as the command line have it.
    digests : mapping
        Role -> digest, as the run directory has it.
    trusted : bool
        Whether the command line says so.
    again : str
        The command to type, such as "gameplan plan --resume RUN"; what it needs is added.

    Raises
    ------
    UsageError
        If a program of the run is neither named again nor trusted.
    """
    if trusted:
        return
    for role, name in saved.items():
        if not is_program(name):
            continue
        if role in named and is_program(named[role]):
            if digest_of(program_text(named[role], f"{KINDS[role]} file")) == digests.get(role):
                continue
            raise UsageError(f"{named[role]} is not the {KINDS[role]} with which the run in {run.path} started; start anew")
        raise UsageError(
            f"the run in {run.path} has a {KINDS[role]} of its own, {name}, which runs as you only if you name it again or trust "
            f"the run: {again} --trusted"
        )


@contextmanager
def explained(names: Mapping[str, str]) -> Iterator[None]:
    """Turn what programs of the user's own (role: name) raise into one line that names file and place.

    Raises
    ------
    GameplanError
        In place of any other exception that comes from a program, or from compiling it.
    """
    try:
        yield
    except (GameplanError, KeyboardInterrupt):
        raise
    except BaseException as error:  # also SystemExit: a program does not end ours, least of all as if all had gone well
        for role, name in names.items():
            line = line_in(error, code_file(name))
            if line:
                raise GameplanError(f"{KINDS[role]} {displayed(name)}{line}: {type(error).__name__}: {one_line(error)}") from error
        whose = " or ".join(map(displayed, names.values()))
        if type(error).__module__.startswith("numba"):
            raise GameplanError(f"numba cannot compile {whose}: {_compiler_says(error)}") from error
        if names and isinstance(error, NotImplementedError) and str(error):
            raise GameplanError(f"{displayed(names.get('env', whose))}: {one_line(error)}") from error
        if names and not isinstance(error, OSError | MemoryError):  # what it returns is not what is asked of it
            raise GameplanError(
                f"what {whose} gives cannot be used: {type(error).__name__}: {one_line(error)} ({place_of(error)}); "
                f"'gameplan {_check(names)}' says what is asked of it"
            ) from error
        raise


def _check(names: Mapping[str, str]) -> str:
    """Return the command that looks at the first of some programs (role: name)."""
    role, name = next(iter(names.items()))
    kind = {"algo": "rule", "train": "rule", "eval": "rule", "env": "world"}.get(role, role)
    return f"check-{kind} {displayed(name)}"


def _compiler_says(error: BaseException) -> str:
    """Return the lines of numba's message that say what is wrong and where."""
    lines = [line.strip(" -^\x1b[0m1347;") for line in str(error).splitlines()]
    places = [line for line in lines if line.startswith('File "<')]
    told = [line for line in lines[1:] if line and not line.startswith(("File", "During", "There are", "raised from"))]
    return " ".join([*(told[:1] or [one_line(error)]), *places[-1:]])


def own_names(config: Any) -> dict[str, str]:
    """Return role -> name of the programs of the user's own in a planner's configuration, its evaluator among them."""
    names = {"env": config.env, "planner": config.planner}
    evaluator = str(config.params.get(EVALUATOR, ""))
    own = {role: name for role, name in names.items() if is_program(name)}
    return {**own, **({EVALUATOR: evaluator} if is_program(evaluator) and evaluator.partition(":")[0] not in EVALUATORS else {})}
