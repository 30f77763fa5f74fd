"""Locks by hand: a game's .efg text with the nodes of a locked player turned into chance nodes, for the ordinary way of compiling."""

import re

NODE = re.compile(r'p "" (\d+) (\d+) "" \{(.*)\} 0')
OWN, FREE = 1000, 5000  # added to numbers of infosets: of locked ones as chance's, of the free branch's


def locked_text(text, player, sixteenths, probability=None):
    """Return the text of the game in which `player` plays `sixteenths` (number of the infoset: weights) where they are said.

    With a `probability` (numerator, denominator) chance decides at the root whether he does, or is free at infosets of his own.
    """
    head, body = text.split('\n""\n')
    bound = [_bound(line, player, sixteenths) for line in body.splitlines()]
    if probability is None:
        return "\n".join([head, '""', *bound]) + "\n"
    above, below = probability
    free = [_renumbered(line, player) for line in body.splitlines()]
    root = f'c "" 99999 "" {{ "free" {below - above}/{below} "bound" {above}/{below} }} 0'
    return "\n".join([head, '""', root, *free, *bound]) + "\n"


def _bound(line, player, sixteenths):
    found = NODE.fullmatch(line)
    if not found or int(found[1]) != player + 1 or int(found[2]) not in sixteenths:
        return line
    weights = sixteenths[int(found[2])]
    events = " ".join(f"{label} {weight}/16" for label, weight in zip(found[3].split(), weights, strict=True))
    return f'c "" {int(found[2]) + OWN} "" {{ {events} }} 0'


def _renumbered(line, player):
    found = NODE.fullmatch(line)
    if not found or int(found[1]) != player + 1:
        return line
    return f'p "" {found[1]} {int(found[2]) + FREE} "" {{{found[3]}}} 0'


def numbers_of(text, player):
    """Return the number of every infoset of `player` and how many actions it has, in the order of first visit."""
    found = {}
    for line in text.splitlines():
        node = NODE.fullmatch(line)
        if node and int(node[1]) == player + 1:
            found.setdefault(int(node[2]), len(node[3].split()))
    return found
