"""How both formats begin: what file it is, a title, the players."""

from games.gambit.nodes import MAX_PLAYERS
from games.gambit.tokens import CLOSE, OPEN, TEXT, WORD, Tokens


def read_header(tokens: Tokens, kind: bytes, version: bytes) -> tuple[str, list[str]]:
    """Return title and names of the players, and go on to what follows them."""
    begin = f'"{kind.decode()} {version.decode()} R", with which Gambit\'s .{kind.decode().lower()} format begins'
    for legal in ((kind,), (version,), (b"R", b"D")):
        if tokens.kind != WORD or tokens.word.upper() not in legal:
            raise tokens.refusal(begin)
        tokens.advance()
    title = tokens.text("the title of the game in quotes")
    tokens.skip(OPEN, "the names of the players in braces")
    players, at = [], tokens.at
    while tokens.kind == TEXT:
        players.append(tokens.text("the name of a player"))
    if not players:
        raise tokens.refusal("the name of a player in quotes")
    if len(players) > MAX_PLAYERS:
        raise tokens.error(at, f"read {len(players)} players; expected are at most {MAX_PLAYERS}")
    tokens.skip(CLOSE, 'the name of a player in quotes, or "}"')
    return title, players
