"""Reading and writing levels: every format trap, and one clear line for everything that is wrong."""

import time

import pytest

from games.errors import UsageError
from games.sokoban import levels
from games.sokoban.levels import parse_levels, read_levels, write_levels
from games.sokoban.worlds import DATA
from games.worlds import load_world

BOARD = "#####\n#@$.#\n#####"


def rows(text):
    return [level.rows for level in parse_levels(text)]


@pytest.mark.parametrize(
    "text",
    [
        BOARD,
        BOARD.replace("\n", "\r\n") + "\r\n",
        BOARD.replace("\n", "\r"),
        "\ufeff; a comment\n\n" + BOARD + "\n\nmore text",
        "5#|#@$.#|5#",
        "5#\n#@$.#\n5#",
        "2(##)#|#@$.#|2(##)#",
        "Level 1\n#####\n#@$?#\n#####\n",
    ],
)
def test_one_board_written_in_many_ways(text, tmp_path):
    assert rows(text) == [tuple(BOARD.split("\n"))]
    (tmp_path / "level.txt").write_bytes(text.encode())
    assert [level.rows for level in read_levels(tmp_path / "level.txt")] == rows(text)


def test_floor_signs_ragged_rows_and_empty_rows():
    assert rows("--####\n###_.#\n#@$--#\n######") == [("  ####", "### .#", "#@$  #", "######")]
    assert rows("#####\n#@$.#\n#####\n-\n  ###\n  #*#\n  ###") == [("#####", "#@$.#", "#####", "", "  ###", "  #*#", "  ###")]
    (level,) = parse_levels("######\n#@$.##\n#   #\n#####")  # ragged, yet closed
    assert len(level.area) == 6


def test_boxes_out_of_reach_are_kept_where_they_stand_on_goals():
    (level,) = parse_levels("#########\n#@$.#***#\n#########")
    assert len(level.area) == 3 and level.text.count("*") == 3
    with pytest.raises(UsageError, match="outside the player's area"):
        parse_levels("#########\n#@$.#$.*#\n#########")


def test_titles_before_and_after_authors_and_solutions():
    before = f"; 1\n\n{BOARD}\n\n; 155 'The Dungeon'\n{BOARD}\n"
    assert [level.name for level in parse_levels(before)] == ["1", "155 'The Dungeon'"]
    after = f"{BOARD}\nTitle: First\nAuthor: A. B.\n\n{BOARD}\nTitle: Second\nSolution:\n2r\nR\n"
    first, second = parse_levels(after)
    assert (first.title, first.author, second.title, second.author, second.solution) == ("First", "A. B.", "Second", "", "2rR")
    keyed = f"Title: First\n{BOARD}\n\nTitle: Second\n{BOARD}\nComment:\n#####\n#@$.#\nComment-End:\nAuthor: C\n"
    assert [(level.title, level.author) for level in parse_levels(keyed)] == [("First", ""), ("Second", "C")]
    unnamed = parse_levels(f"{BOARD}\n\n{BOARD}")
    assert [(level.name, level.number, level.line) for level in unnamed] == [("1", 1, 1), ("2", 2, 5)]


def test_written_levels_are_read_back():
    levels = read_levels(DATA / "small.xsb") + parse_levels(f"{BOARD}\n-\n###\n#*#\n###\nAuthor: X\nSolution: R\n")
    back = parse_levels(write_levels(levels))
    assert [(b.rows, b.title or b.name, b.author, b.solution) for b in back] == [
        (a.rows, a.name, a.author, a.solution) for a in levels
    ]


BAD = {
    "no player": ("#####\n# $.#\n#####", 1, "no player"),
    "two players": ("#####\n#@$.#\n#@  #\n#####", 3, "2 players"),
    "two players of two kinds": ("#######\n#@$.$+#\n#######", 2, "2 players"),
    "boxes": ("######\n#@$$.#\n######", 2, "2 boxes but 1 goals"),
    "no boxes": ("######\n#@   #\n######", 2, "no boxes"),
    "open right": ("#####\n#@$.\n#####", 2, "open wall"),
    "open left": ("#####\n@ $.#\n#####", 2, "open wall"),
    "open top": ("## ##\n#@$.#\n#####", 1, "open wall"),
    "open bottom": ("#####\n#@$.#", 2, "open wall"),
    "ragged open": ("#######\n#@$.  #\n#####", 2, "open wall"),
    "large": (
        "\n".join(["#" * 1000, "#@$." + " " * 995 + "#", *["#" + " " * 998 + "#"] * 997, "#" * 1000]),
        1,
        "1000 rows by 1000",
    ),
    "large in runs": ("999999999#|#@$.#|99999(9999(99#))", 3, "columns"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_level_gives_one_line_with_file_level_and_row(name, tmp_path):
    text, row, what = BAD[name]
    path = tmp_path / "bad.xsb"
    path.write_text(f"{BOARD}\n\n; odd one\n{text}\n", "utf-8")
    with pytest.raises(UsageError) as caught:
        read_levels(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: level 2 (odd one), row {row + 5}: ") and what in message and "\n" not in message


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\x7fELF\0\0\1#@$.", "binary"),
        (b"hello\nworld", "has no level"),
        (None, "cannot read the file of levels"),
    ],
)
def test_files_without_levels_give_one_line(data, what, tmp_path):
    path = tmp_path / "odd.xsb"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UsageError, match=what) as caught:
        read_levels(path)
    assert f"{path}: " in str(caught.value) and "\n" not in str(caught.value)


def test_old_encodings_are_read(tmp_path):
    (tmp_path / "old.sok").write_bytes(f"{BOARD}\nAuthor: Jos\xe9\n".encode("latin-1"))
    assert read_levels(tmp_path / "old.sok")[0].author == "José"


def test_files_that_would_take_for_ever_or_all_memory_are_refused_by_their_row(monkeypatch):
    """Runs of any length, rows and solutions without end, more levels than a collection has."""
    monkeypatch.setattr(levels, "MOST_LEVELS", 500)
    monkeypatch.setattr(levels, "MOST_SOLUTION", 1000)
    for text, told in (
        ("9" * 5000 + "#\n#@$.#\n#####\n", "columns"),
        ("9#" * 40_000, "row 1: has 80,000 characters"),
        ("a" + " " * 70_000 + "b", "row 1: has 70,002 characters"),
        ("a" + " " * 60_000 + "b", "has no level"),
        ("#####\n#@$.#\n#####\n\n" * (levels.MOST_LEVELS + 1), "at most 500 are read"),
    ):
        begin = time.perf_counter()
        with pytest.raises(UsageError, match=told) as caught:
            levels.parse_levels(text, "file")
        assert time.perf_counter() - begin < 5.0 and len(str(caught.value)) < 300
    long = levels.parse_levels("#####\n#@$.#\n#####\nSolution: R\n" + ("r" * 70 + "\n") * 5000)[0]
    assert len(long.solution) <= levels.MOST_SOLUTION + 100


def test_an_empty_first_row_is_no_row():
    level = levels.parse_levels("0#|#####|#@$.#|#####\n")[0]
    assert level.rows == ("#####", "#@$.#", "#####") and levels.parse_levels(levels.write_levels([level]))[0].rows == level.rows


def test_rooms_are_as_large_and_as_hard_as_asked_and_never_the_same():
    world = load_world("sokoban-rooms", {"rows": 5, "columns": 6, "pushes": 5})
    levels = [world.instance(seed).extra["level"] for seed in range(8)]
    assert len({level.rows for level in levels}) == 8 and world.instance(3).extra["level"] == levels[3]
    for seed, level in enumerate(levels):
        assert (len(level.rows), len(level.rows[0]), len(level.cells("$*"))) == (7, 8, 2)
        assert world.instance(seed).model.start_h >= 5 and world.instance(seed).horizon == 120
    easy = load_world("sokoban-rooms", {"rows": 5, "columns": 6})
    assert min(easy.instance(seed).model.start_h for seed in range(8)) < 5
    for options, message in (
        ({"boxes": 20}, "do not fit"),
        ({"rows": 2}, "rows=2 is not possible"),
        ({"pushes": 99}, "needs pushes=99"),
    ):
        with pytest.raises(UsageError, match=message):
            load_world("sokoban-rooms", options)
