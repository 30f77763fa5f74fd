"""Text that anybody may have written, made fit to be kept: valid Unicode, without NUL, of bounded length."""

LONGEST = 1_000_000  # characters of one text in a store
_SHORT = 300  # of what is said about an error


def storable(text: str, longest: int = LONGEST) -> str:
    """Return `text` with NUL and halves of surrogate pairs written as escapes, and cut, with a note, at `longest` characters.

    What is storable is returned as it is, so it does not matter how often this is asked.
    """
    if "\0" in text or not _is_unicode(text):
        text = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
    if len(text) > longest:
        note = f" ... ({len(text):,} characters)"
        text = text[: longest - len(note)] + note
    return text


def fault(error: BaseException) -> str:
    """Return one short line that names an exception."""
    try:
        said = " ".join(str(error).split())
    except Exception:  # an exception whose text cannot be made
        said = ""
    name = type(error).__name__
    return storable(f"{name}: {said[:_SHORT]}" if said else name)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
