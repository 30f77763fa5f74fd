"""The kinds of failure that reach a user as one line."""

from collections.abc import Iterable


class GameplanError(Exception):
    """A failure that the user can act on: one line naming the value, what is legal and the next step (exit code 1)."""

    exit_code = 1


class UsageError(GameplanError):
    """A request that cannot be meant as written, such as an unknown name or option value (exit code 2)."""

    exit_code = 2


class NotForGame(GameplanError):
    """An algorithm is not made for a kind of games, such as those of three players; the message names others."""


class Interrupted(GameplanError):
    """Somebody has stopped it; the message says what is kept and how to go on (exit code 130)."""

    exit_code = 130


class UnknownName(UsageError):
    """A `name` that is no `wanted`, such as "game"; the message says what is legal.

    The kinds are those of `workbench.catalogue.naming`, which knows what the name is instead.
    """

    def __init__(self, name: str, wanted: str, message: str) -> None:
        super().__init__(message)
        self.name, self.wanted = name, wanted

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        return type(self), (self.name, self.wanted, str(self))


def with_article(noun: str) -> str:
    """Return `noun` with its indefinite article."""
    return f"{'an' if noun[:1].lower() in set('aeiou') else 'a'} {noun}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the nearest known name, or an empty string."""
    import difflib

    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def line_in(error: BaseException, file: str) -> str:
    """Return ", line N" for the last line of `file` in the error's trace, or nothing."""
    trace, line = error.__traceback__, ""
    while trace:
        if trace.tb_frame.f_code.co_filename == file:
            line = f", line {trace.tb_lineno}"
        trace = trace.tb_next
    return line


def one_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # an error of the user's own whose text cannot be made
        lines = []
    return (lines or ["no message"])[0]
