"""The words of a Gambit file: quoted texts, braces and everything between white space; commas count as white space."""

import codecs
import re
from fractions import Fraction

from games.errors import GameplanError
from games.gambit.numbers import Number, parse

TEXT, WORD, OPEN, CLOSE, END = "text", "word", "{", "}", "end"
MAX_LABEL = 1 << 16  # bytes of one label: no display shows more
_TOKEN = re.compile(rb'[\s,]*+(?:("[^"\\]*+(?:\\.[^"\\]*+)*+")|(\{)|(\})|([^\s,{}"]++))', re.DOTALL)
_GAP = re.compile(rb"[\s,]*+")
_KINDS = (END, TEXT, OPEN, CLOSE, WORD)
_SHORT = 24  # numbers of at most so many characters are remembered


class Tokens:
    """A cursor over the content of a file: `kind` and `word` of the token that is next, `at` its first byte.

    Raises
    ------
    GameplanError
        If the content is no UTF-8 text; from the methods, if something else is next than they ask for. All name file, line, column.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.name = data, name
        self._numbers: dict[bytes, Number] = {}
        _check_text(self)
        self._end = 3 if data.startswith(codecs.BOM_UTF8) else 0
        self.advance()

    def advance(self) -> None:
        """Go on to the next token."""
        match = _TOKEN.match(self.data, self._end)
        if match is None:
            gap = _GAP.match(self.data, self._end)
            self.at = gap.end() if gap else self._end
            self.kind, self.word = END, b""
            if self.at < len(self.data):
                raise self.error(self.at, "a quoted text begins here and does not end before the file does")
            return
        index = match.lastindex or 0
        self.kind, self.word = _KINDS[index], match[index]
        self.at, self._end = match.span(index)

    def text(self, legal: str) -> str:
        """Return the quoted text that is next, without its quotes, and go on; `legal` says what it is."""
        if self.kind != TEXT:
            raise self.refusal(legal)
        word = self.word[1:-1]
        if len(word) > MAX_LABEL:
            word = word[:MAX_LABEL]
        self.advance()
        return word.replace(b'\\"', b'"').decode(errors="replace")

    def whole(self, legal: str) -> int:
        """Return the whole number that is next and go on."""
        if self.kind != WORD or len(self.word) > 18 or not self.word.removeprefix(b"-").removeprefix(b"+").isdigit():
            raise self.refusal(legal)
        try:
            number = int(self.word)
        except ValueError as error:
            raise self.refusal(legal) from error
        self.advance()
        return number

    def number(self, legal: str) -> Number:
        """Return the number that is next, exact, and go on."""
        number = self._numbers.get(self.word)
        if number is None:
            if self.kind != WORD:
                raise self.refusal(legal)
            try:
                number = parse(self.word)
            except ValueError as error:
                raise self.refusal(f"{legal}: {error}") from error
            if len(self.word) <= _SHORT:
                self._numbers[self.word] = number
        self.advance()
        return number

    def skip(self, kind: str, legal: str) -> None:
        """Go on past a brace."""
        if self.kind != kind:
            raise self.refusal(legal)
        self.advance()

    def refusal(self, legal: str) -> GameplanError:
        """Return the error that names the next token and what would be legal in its place."""
        read = "the file ends" if self.kind == END else f"read {shortened(self.word)}"
        return self.error(self.at, f"{read}; expected is {legal}")

    def error(self, at: int, text: str) -> GameplanError:
        """Return the error that says `text` of the byte `at`."""
        return GameplanError(f"{self.where(at)}: {text}")

    def where(self, at: int) -> str:
        """Return file, line and column of the byte `at`."""
        return f"{self.name}, {self.line(at)}, column {len(self.data[self._start(at) : at].decode(errors='replace')) + 1}"

    def line(self, at: int) -> str:
        """Return the line of the byte `at`, in words."""
        number = self.data.count(b"\n", 0, at) + 1
        return f"line {number}"

    def _start(self, at: int) -> int:
        return self.data.rfind(b"\n", 0, at) + 1


def printable(label: str) -> str:
    """Return the label with control characters made visible; line breaks and tabs stay."""
    if label.isprintable():
        return label
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in label)


def spelled(number: Fraction) -> str:
    """Return a number that float64 can hold for a message."""
    return str(number) if number.denominator < 1 << 64 and abs(number.numerator) < 1 << 64 else f"{float(number):.17g}"


def shortened(word: bytes | str) -> str:
    """Return what was read for a message, printable and cut to a readable length."""
    shown = word[:81].decode(errors="replace") if isinstance(word, bytes) else word
    shown = shown[:40] + "..." if len(shown) > 40 else shown
    return repr(shown)


def _check_text(tokens: Tokens) -> None:
    """Refuse what is not UTF-8 text, piece by piece: the whole text as characters would take four times the file."""
    data, piece = memoryview(tokens.data), 1 << 20
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, max(len(data), 1), piece):
        kept = len(decoder.getstate()[0])
        try:
            decoder.decode(bytes(data[start : start + piece]), start + piece >= len(data))
        except UnicodeDecodeError as error:
            at = start - kept + error.start
            raise tokens.error(at, f"read the byte 0x{tokens.data[at]:02x}; expected is text in UTF-8") from error
    nul = tokens.data.find(b"\0")
    if nul >= 0:
        raise tokens.error(nul, "read a NUL byte; expected is text in UTF-8")
