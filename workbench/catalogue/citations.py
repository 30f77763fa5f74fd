"""BibTeX of what a reference names; the entries are in references.bib, keyed by the first author's surname and the year."""

import re
from pathlib import Path

OURS = "gameplan"


def bibtex(reference: str) -> str:
    """Return the BibTeX entries that a reference such as "Michie 1966; Ballard 1983" names; Gameplan's own where it names none.

    An entry is found by its arXiv number, or else by surname and year.
    """
    known = _entries()
    found = []
    for piece in reference.split(";"):
        number = re.search(r"arXiv (\d{4}\.\d{4,5})", piece)
        if number:
            keys = [key for key, text in known.items() if f"eprint = {{{number[1]}}}" in text]
        else:
            words = re.search(r"([A-Z][a-z]+(?:[A-Z][a-z]+)?)\b.*?\b(\d{4})\b", piece)
            keys = [key for key in known if words and key == f"{words[1].lower()}{words[2]}"]
        found += [key for key in keys if key not in found]
    return "\n\n".join(known[key] for key in found or [OURS])


def _entries() -> dict[str, str]:
    text = (Path(__file__).parent / "references.bib").read_text("utf-8")
    return {entry[entry.index("{") + 1 : entry.index(",")]: entry for entry in text.strip().split("\n\n")}
