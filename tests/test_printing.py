"""What reaches a terminal: nothing that comes from elsewhere steers it."""

import io
import sys

import pytest

import cli
from workbench.terminal import printing
from workbench.terminal.printing import counted, echo, message, visible
from workbench.terminal.printing import escape_html as escape
from workbench.terminal.progress import say
from workbench.terminal.tables import print_parameters, print_table

HOSTILE = "a\x1b]0;title\x07b\x1b[2Jc\x9b31md\u202ee\u2066f\rg\x7fh\u200bi\ud800j[red]k[/]:smile:"
SHOWN = r"a\x1b]0;title\x07b\x1b[2Jc\x9b31md\u202ee\u2066f\rg\x7fh\u200bi\ud800j[red]k[/]:smile:"
RICH = SHOWN.replace(r"\x07", "").replace(r"\r", "")  # bells and returns are dropped by rich itself


def test_visible_shows_what_steers_and_leaves_the_rest():
    assert visible(HOSTILE) == SHOWN
    assert visible("Grüße 中文 ☐ ±∞\n\tx") == "Grüße 中文 ☐ ±∞\n\tx"
    assert visible("a\n\tb", one_line=True) == r"a\n\tb"


def test_everything_printed_is_visible(capsys):
    echo(HOSTILE)
    say(HOSTILE)
    print_table(("name", HOSTILE), [(HOSTILE + "\nnext", 1)], title=HOSTILE)
    out, err = capsys.readouterr()
    assert out.count(SHOWN) == 4 and err == RICH + "\n"
    assert r"\nnext" in out
    assert escape(f"<b>{HOSTILE}") == f"&lt;b&gt;{SHOWN}"


def test_terminals_get_styles_from_us_only():
    from rich.text import Text

    stream = io.StringIO()
    console = printing.console(file=stream, force_terminal=True, width=300, color_system="standard")
    console.print(Text(HOSTILE, "bold"))
    assert stream.getvalue() == f"\x1b[1m{RICH}\x1b[0m\n"


@pytest.mark.parametrize("arguments", [["solve", "kuhn\x1b]0;x\x07\n\u202e"], ["evolve", "new", "\x1b[2J"], ["\x9b2J"]])
def test_errors_are_one_visible_line(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gameplan", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    _, err = capsys.readouterr()
    assert stop.value.code == 2 and err.count("\n") == 1
    assert visible(err) == err


def test_counts_have_their_nouns():
    assert [counted(n, "iteration") for n in (0, 1, 1000)] == ["0 iterations", "1 iteration", "1,000 iterations"]


def test_a_long_value_does_not_hide_what_a_message_says_is_legal():
    told = message(f"unknown game {'x' * 5000!r}; legal are kuhn_2p and leduc_2p")
    assert told.startswith("unknown game 'xxx") and told.endswith("xxx'; legal are kuhn_2p and leduc_2p") and len(told) < 400
    path = f"/{'a' * 100}/{'b' * 100}"
    assert message(path) == path


def test_a_huge_default_does_not_widen_a_table(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    print_parameters({"text": "x" * 5000}, {}, {"text": "what it is"}, "parameter")
    assert max(map(len, capsys.readouterr().out.splitlines())) < 100
