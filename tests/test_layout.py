"""Tables fit every width: no name is dropped, no number is cut, and what is left out is named."""

import random
import time
from dataclasses import replace

import pytest
from rich.cells import cell_len

from workbench.terminal import tables
from workbench.terminal.layout import Table, fold, lay_out

WIDTHS = (20, 30, 40, 50, 60, 70, 80, 100, 120, 200)


def check(table, width):
    """Assert that `table`, laid out for `width`, has lost nothing, and return its text."""
    layout = lay_out(table, width)
    lines = ["".join(text for text, _ in line) for line in layout.lines]
    text, said = "\n".join(lines), " ".join(lines).split()
    labels = {name: label for label, name in layout.legend}
    assert len(labels) == len({label for label, _ in layout.legend})
    cells = [cell for row in [table.header, *table.rows] for cell in row]
    if max(map(len, lines)) >= width:  # one value a line, the terminal breaks those that are longer than it is wide
        assert all(line.strip() in cells for line in lines if len(line) >= width)
    for i, row in enumerate([table.header, *table.rows]):
        for k, cell in enumerate(row):
            if table.header[k] in layout.left_out:
                assert k >= table.left or table.header[k] in table.spare
                continue
            whole = i > 0 and table.header[k] not in table.prose
            where = labels.get(cell, cell).strip()
            assert where in text if whole else all(word in said for word in where.split()), (cell, text)
    return text


def made(rng):
    columns, left = rng.randint(2, 14), rng.randint(0, 2)

    def word(most):
        return "".join(rng.choice("abcdefgh0123456789.-_") for _ in range(rng.randint(1, most)))

    header = [f"{word(9)} {word(9)}" if rng.random() < 0.5 else word(14) for _ in range(columns)]
    header = [f"{name}{k}" for k, name in enumerate(header)]
    prose = [header[0]] if rng.random() < 0.3 else []
    spare = rng.sample(header[max(left, 1) :], rng.randint(0, columns - max(left, 1)))

    def cell(k):
        if header[k] in prose:
            return " ".join(word(9) for _ in range(rng.randint(1, 12)))
        return word(40 if k < left else 12)

    return Table(header, [[cell(k) for k in range(columns)] for _ in range(rng.randint(1, 12))], left, prose, spare)


@pytest.mark.parametrize("seed", range(60))
def test_nothing_is_lost_at_any_width(seed):
    table = made(random.Random(seed))
    for width in WIDTHS:
        check(table, width)
    plain = lay_out(table, None)
    assert not plain.legend and not plain.left_out and len(plain.lines) == len(table.rows) + 2


HEADER = ("world", "method", "score (greedy, held out)", "95 % band", "seeds", "steps", "expansions", "CPU")
ROW = ("2048", "step-grpo", "102,345", "99,345 to 110,222", "5", "12,345,678", "123,456,789", "3 min")


def test_headers_are_broken_and_few_rows_are_turned_round():
    table = Table(HEADER, [ROW], 2)
    assert (
        check(table, 120).splitlines()[0]
        == "world  method     score (greedy, held out)          95 % band  seeds       steps   expansions    CPU"
    )
    assert check(table, 100).splitlines()[1].startswith("world  method")  # the header takes two lines
    assert check(table, 60).splitlines() == [
        "world                                  2048",
        "───────────────────────────────────────────",
        "method                            step-grpo",
        "score (greedy, held out)            102,345",
        "95 % band                 99,345 to 110,222",
        "seeds                                     5",
        "steps                            12,345,678",
        "expansions                      123,456,789",
        "CPU                                   3 min",
    ]


def test_spare_columns_are_left_out_in_their_order():
    table = Table(HEADER, [ROW] * 20, 2, spare=("CPU", "seeds", "expansions"))
    assert [lay_out(table, width).left_out for width in (110, 80, 73, 60)] == [
        [],
        ["CPU"],
        ["CPU", "seeds"],
        ["CPU", "seeds", "expansions"],
    ]


def test_a_table_of_names_only_goes_on_below_itself():
    header = ["game", *(f"algorithm-{k}" for k in range(9))]
    table = Table(header, [[f"game_{i}", *(f"{i}.{k}e-1{k}" for k in range(9))] for i in range(20)])
    text = check(table, 60)
    assert text.count("game_7") == 3 and text.count("\n\n") == 2


def test_long_names_get_labels_with_a_legend():
    games = [f"goofspiel(imp_info=true,num_cards={n},points_order=descending)" for n in (3, 4)]
    table = Table(("game", "a", "b"), [[game, "1.5", "2.5"] for game in games])
    layout = lay_out(table, 60)
    assert layout.legend == [("goofspiel[1]", games[0]), ("goofspiel[2]", games[1])]
    assert lay_out(table, 120).legend == []


def test_names_that_are_copied_stay_whole_as_long_as_spare_columns_make_room():
    names = [f"runs/2026-11-30-goofspiel_{n}-hs-pcfr+-seed-{n}" for n in (4, 5)]
    table = Table(("run", "kind", "size", "result"), [[n, "solve", "12345678", "1.5"] for n in names], 3, spare=("size", "kind"))
    wide, labelled, kept = lay_out(table, 70), lay_out(table, 62), lay_out(replace(table, copied=True), 62)
    assert (wide.legend, wide.left_out) == ([], []) and labelled.legend and not labelled.left_out
    assert (kept.legend, kept.left_out) == ([], ["size"])
    assert [name for name in names if any(name in text for line in kept.lines for text, _ in line)] == names
    assert lay_out(replace(table, copied=True), 40).legend  # where nothing else helps


def test_prose_is_folded_where_that_saves_lines():
    assert fold("one two  three four", 9) == ["one two", "three", "four"]
    assert fold("run           a long text", 20, 14) == ["run           a long", "text"]
    rows = [
        ["x", "a much longer sentence, of ten words or so, here", "short"],
        ["y", "again some words that need much room", "short one"],
    ]
    lines = check(Table(("name", "about", "note"), rows, 3, ("about", "note")), 50).splitlines()
    assert len(lines) == 6 and all("short" in line for line in (lines[2], lines[4]))


def test_strong_cells_stay_strong_however_a_table_is_turned():
    table = Table(HEADER, [ROW], 2, strong={(0, 5)})
    for width in (120, 60, 20):
        assert [
            text.strip()
            for line in lay_out(table, width).lines
            for text, style in line
            if "green" in style or ("bold" in style and text.strip() == ROW[5])
        ] == [ROW[5]]


def test_printed_tables_say_what_is_left_out_and_how_to_see_it(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "60")
    tables.print_table(HEADER, [ROW] * 9, left=2, spare=("CPU", "seeds", "expansions"), see="table.csv")
    assert "left out: CPU, seeds, expansions; table.csv shows" in capsys.readouterr().out
    tables.print_path("run", "r/" + "long/" * 30)
    assert ("r/" + "long/" * 30) in capsys.readouterr().out


def test_long_texts_are_laid_out_in_a_moment():
    rows = [(f"run-{i}", "done: " + "word " * (i % 8), " ".join(f"k{j}={i}" for j in range(600))) for i in range(60)]
    table = Table(("run", "status", "differs"), rows, 3, ("status", "differs"))
    began = time.process_time()
    layout = lay_out(table, 300)
    assert time.process_time() - began < 5.0  # the best widths would take minutes
    assert max(sum(cell_len(text) for text, _ in line) for line in layout.lines) <= 300
    assert "k599=59" in "".join(text for line in layout.lines for text, _ in line)


@pytest.mark.parametrize("columns", ["\u00b2", "0", "-3", "9" * 5000, "1.5"])
def test_a_width_that_is_none_is_no_width(columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    tables.print_table(("a", "b"), [("x" * 50, "y" * 80)])
    assert "x" * 50 + "  " + "y" * 80 in capsys.readouterr().out
