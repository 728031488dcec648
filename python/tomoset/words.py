"""Words for counts and sizes, as all output has them."""

from collections.abc import Mapping

from tomoset.diagnostics import SEVERITIES


def counted(number: int, noun: str) -> str:
    """Return for instance ``1 file`` or ``1,204 files``."""
    plural = noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in "aeiou" else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def severities_text(counts: Mapping[str, int]) -> str:
    """Return for instance ``2 fatal, 1 silent, 28 warnings``, the worst first; nothing where nothing is counted."""
    nouns = ("warning", "note")
    found = ((counts.get(name, 0), name) for name in SEVERITIES)
    return ", ".join(
        counted(number, name) if name in nouns else f"{number:,} {name}" for number, name in found if number
    )


def size_text(num_bytes: int) -> str:
    """Return a size with three significant digits, in powers of 1000."""
    size, units = float(num_bytes), ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 999.5 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{num_bytes:,} bytes" if units[0] == "bytes" else f"{size:.3g} {units[0]}"
