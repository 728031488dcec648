"""What holds of any text that is mended by safe fixes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from relion_twins import relion_sees, tomoset_sees
from tomoset.mending.fixes import chosen
from tomoset.mending.sameness import why_not_same
from tomoset.mending.texts import fix_text, read_text

if TYPE_CHECKING:
    from tomoset.star import StarFile

#: These put in, take away or move blanks, line ends and comments, and nothing else.
OF_BLANKS = {"L101", "L107", "L108", "B101", "B110", "B112", "H104", "H110", "H111"}
OF_BLANKS |= {"R101", "R102", "R104", "R108"}


def is_alike(before: bytes, after: bytes, made: set[str]) -> bool:
    """Whether texts differ only as fixes say: in no word, or in no other line than in so many."""
    if made <= OF_BLANKS:
        return sorted(before.split()) == sorted(after.split())
    old, new = Counter(before.split(b"\n")), Counter(after.split(b"\n"))
    return len(old - new) < 100 and len(new - old) < 100


def codes_of(text: bytes) -> set[str]:
    return {diagnostic.code for diagnostic in read_text(text).diagnostics}


def is_sound(star: StarFile) -> bool:
    """Whether RELION should read what tomoset reads, under the same names."""
    notes = {"H112", "L106"}
    if not all(block.labels for block in star.blocks):
        # Looking for all blocks at once, RELION takes what follows for the content of an empty one.
        return False
    return not any(
        diagnostic.severity != "note" or diagnostic.code in notes for diagnostic in star.diagnostics
    )


def check_text(text: bytes, *, cr_only: bool = False) -> set[str]:
    """Mend a text by safe fixes: the same is read, fixes are made once, and what is left is told.

    Gives the codes of the fixes.
    """
    codes = chosen()
    found = fix_text(text, codes, cr_only=cr_only)
    before, after = read_text(text), read_text(found.after)
    made = {fix.code for fix in found.made}
    assert why_not_same(before, after, made) is None
    left = {each.code for each in found.left}
    assert codes_of(found.after) & codes <= left
    again = fix_text(found.after, codes)
    assert (again.after, again.made) == (found.after, ())
    assert not made or is_alike(text, found.after, made - {"L102"})
    if made and is_sound(after):
        assert relion_sees(found.after) == tomoset_sees(found.after)
    return made
