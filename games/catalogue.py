"""Short names and suites of games."""

from typing import NamedTuple


class Entry(NamedTuple):
    """A catalogued game: its OpenSpiel string, its size if known, and one line about it."""

    game: str
    histories: int
    terminals: int
    infosets: int
    about: str


def _goofspiel(cards: int, order: str = "descending") -> str:
    return f"goofspiel(imp_info=true,num_cards={cards},points_order={order})"


def _blotto(coins: int, fields: int = 3, players: int = 2) -> str:
    return f"blotto(coins={coins},fields={fields},players={players})"


def _battleship(width: int, ships: str, values: str, shots: int) -> str:
    board = f"board_height=2,board_width={width}"
    return f"battleship({board},ship_sizes=[{ships}],ship_values=[{values}],num_shots={shots},allow_repeated_shots=false)"


# infosets: the largest player's number
GAMES: dict[str, Entry] = {
    "kuhn_2p": Entry("kuhn_poker(players=2)", 58, 30, 6, "three cards, one bet (Kuhn 1950)"),
    "kuhn_3p": Entry("kuhn_poker(players=3)", 617, 312, 16, "Kuhn poker for three players"),
    "kuhn_4p": Entry("kuhn_poker(players=4)", 7_886, 3_960, 40, "Kuhn poker for four players"),
    "leduc_2p": Entry("leduc_poker(players=2)", 9_457, 5_520, 468, "six cards, two rounds (Southey et al. 2005)"),
    "leduc_3p": Entry("leduc_poker(players=3)", 1_831_601, 1_043_952, 8_600, "Leduc poker for three players"),
    "goofspiel_3": Entry(_goofspiel(3), 67, 36, 8, "bidding cards, imperfect information, descending prizes"),
    "goofspiel_4": Entry(_goofspiel(4), 1_077, 576, 81, "the same with four cards"),
    "goofspiel_5": Entry(_goofspiel(5), 26_931, 14_400, 1_062, "the same with five cards"),
    "liars_dice_4": Entry("liars_dice(numdice=1,dice_sides=4)", 8_181, 4_080, 512, "one die each, four sides"),
    "liars_dice_5": Entry("liars_dice(numdice=1,dice_sides=5)", 51_181, 25_575, 2_560, "one die each, five sides"),
    "liars_dice_6": Entry("liars_dice(numdice=1,dice_sides=6)", 294_883, 147_420, 12_288, "one die each, six sides"),
    "goofspiel_3r": Entry(_goofspiel(3, "random"), 418, 216, 45, "three cards, prizes in random order"),
    "goofspiel_4a": Entry(_goofspiel(4, "ascending"), 1_077, 576, 81, "four cards, ascending prizes"),
    "liars_dice_2x3": Entry("liars_dice(numdice=2,dice_sides=3)", 663_511, 331_695, 12_288, "two dice each, three sides"),
    "blotto_5": Entry(_blotto(5), 463, 441, 1, "five coins on three fields, a matrix game"),
    "blotto_7": Entry(_blotto(7), 1_333, 1_296, 1, "seven coins on three fields"),
    "blotto_10": Entry(_blotto(10), 4_423, 4_356, 1, "ten coins on three fields"),
    "blotto_3p": Entry(_blotto(4, 2, 3), 156, 125, 1, "three players, four coins on two fields"),
    "battleship_1": Entry(_battleship(2, "1", "1", 3), 3_877, 2_224, 397, "2 x 2 cells, a ship of one, three shots"),
    "battleship_2": Entry(_battleship(2, "2", "1", 2), 3_029, 2_048, 337, "2 x 2 cells, a ship of two, two shots"),
    "battleship_11": Entry(_battleship(2, "1;1", "1;1", 2), 27_285, 18_432, 1_013, "2 x 2 cells, two ships, two shots"),
    "battleship_3x2": Entry(_battleship(3, "1", "1", 2), 23_839, 19_116, 751, "3 x 2 cells, a ship of one, two shots"),
}

SUITES: dict[str, tuple[str, ...]] = {  # no game of eighteen is one of train4
    "paper11": tuple(GAMES)[:11],
    "train4": ("kuhn_3p", "leduc_2p", "goofspiel_4", "liars_dice_5"),
    "test4": ("kuhn_4p", "leduc_3p", "goofspiel_5", "liars_dice_6"),
    "quick": ("kuhn_2p", "kuhn_3p", "goofspiel_4", "leduc_2p"),
    "eighteen": (
        "kuhn_2p",
        "kuhn_4p",
        "leduc_3p",
        "goofspiel_3",
        "goofspiel_5",
        "liars_dice_4",
        "liars_dice_6",
        *tuple(GAMES)[11:],
    ),
}  # fmt: skip
