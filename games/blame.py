"""Whose fault an exception is: that of a program of the user's own, if its trace leads through one."""

from types import TracebackType

from games.errors import GameplanError, one_line
from games.files import displayed
from games.modules import is_users


def of_users(error: BaseException) -> GameplanError | None:
    """Return what an exception says in one line with file and line, if it comes out of a program of the user's own; else None.

    Errors that are told already, and interrupts, are nobody's fault.
    """
    if isinstance(error, GameplanError | KeyboardInterrupt):
        return None
    found, trace = "", error.__traceback__
    while trace:
        if is_users(str(trace.tb_frame.f_globals.get("__name__", ""))):
            file = displayed(trace.tb_frame.f_code.co_filename.strip("<>"))
            found = f"{file}, line {trace.tb_lineno}: {type(error).__name__}: {one_line(error)}"
        trace = trace.tb_next
    return GameplanError(found) if found else None


def place_of(error: BaseException) -> str:
    """Return where an exception was raised, as "file.py, line 7"; nothing where it has no trace."""
    trace: TracebackType | None = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}, line {trace.tb_lineno}" if trace else ""
