"""What helps where OpenSpiel's words, or ours about its games, lead astray."""

import re

_ANY = [
    (r"Available parameters are: *$", "{game} has no parameters"),
    (r"Expected type: kGame, got kString with (\w+)", "a game inside a game needs brackets, such as game={0}()"),
    (r"Missing parameter (?:game|stage_game)\b", "it is made of another game, such as {game}(game=kuhn_poker())"),
]
_HINTS: dict[str, list[tuple[str, str]]] = {
    "battleship": [("histories", "board_width=2,board_height=2,num_shots=2,ship_sizes=[1],ship_values=[1] is a small one")],
    "bargaining": [("histories", "max_num_instances=1,max_turns=3 is a small one")],
    "dark_hex": [
        (
            "recall|own histories",
            "dark_hex shows what a player sees, not when it was seen; obstype=reveal-numturns or gameversion=adh tells more",
        )
    ],
    "efg_game": [("", "name the file itself instead: gameplan solve game.efg")],
    "goofspiel": [
        (
            "own histories",
            "with imp_info=false goofspiel shows hands, not the order of bids; imp_info=true has perfect recall, and so have "
            "num_cards=3 and num_turns=2",
        )
    ],
    "lewis_signaling": [("parts.size", "a game string cannot hold payoffs, which are for 3 states; keep num_states=3")],
    "nfg_game": [("", "name the file itself instead: gameplan solve game.nfg")],
    "oshi_zumo": [("histories", "without min_bid=1 or a small horizon, such as horizon=3, its games hardly ever end")],
    "repeated_game": [
        ("Missing|Expected type: kGame", "a complete one is repeated_game(stage_game=matrix_pd(),num_repetitions=2)"),
    ],
    "start_at": [("Missing", "a complete one is start_at(history=0;1,game=kuhn_poker())")],
    "turn_based_simultaneous_game": [
        ("Missing", "a complete one is turn_based_simultaneous_game(game=goofspiel(num_cards=3,imp_info=true))")
    ],
    "universal_poker": [
        (
            r"Wrong type for parameter (\w+)\. Expected type: kString, got kInt with (-?\d+)",
            "{0} is a list with a number a player or a round; OpenSpiel takes one number for no list, so write two, {0}={1} {1}: "
            "what a one-round game does not need it ignores",
        ),
        ("crashes", "every player needs an entry: blind and stack are lists of numPlayers numbers, firstPlayer one a round"),
        (
            "histories",
            "Kuhn poker is numRounds=1,numBoardCards=0 0,firstPlayer=1 1,blind=100 100,stack=200 200,numSuits=1,numRanks=3,"
            "numHoleCards=1",
        ),
    ],
}


def hint(game: str, reason: str) -> str:
    """Return what to add to `reason`, for which `game` is refused: the first hint whose pattern it matches, or nothing."""
    for pattern, help in (*_HINTS.get(game, []), *_ANY):
        match = re.search(pattern, reason)
        if match:
            return "; " + help.format(*match.groups(), game=game)
    return ""
