"""What a rule is: a code, what RELION does, how to mend it, and a function that finds where it is broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tomoset.sets.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Fault", "Rule", "Rules"]


class Fault(NamedTuple):
    """A place where a rule is broken."""

    found: str
    #: The row of the set's table.
    row: int | None = None
    #: Where it is worse or less bad than rules of this kind are.
    severity: Severity | None = None


@dataclass(frozen=True)
class Rule:
    """Something that a set must keep.

    Attributes
    ----------
    code : str
        Such as ``odd-hand``.
    severity : {"fatal", "silent", "warning", "note"}
        As in `Finding`.
    about : str
        What is wrong, for the documentation.
    relion : str
        What RELION does, after the word "RELION".
    mend : str
        What can be done.
    find : function
        What gives the faults of a set.
    """

    code: str
    severity: Severity
    about: str
    relion: str
    mend: str
    find: Callable[[Any], Iterable[Fault]]


class Rules(list[Rule]):
    """Rules of one kind of set, in the order in which they are looked at."""

    def rule(
        self, code: str, severity: Severity, about: str, *, relion: str, mend: str
    ) -> Callable[[Callable[[Any], Iterable[Fault]]], Rule]:
        """Make a rule of a function that gives the faults of a set."""

        def made(find: Callable[[Any], Iterable[Fault]]) -> Rule:
            new = Rule(code, severity, about, relion, mend, find)
            self.append(new)
            return new

        return made

    def findings(
        self,
        checked: Any,  # noqa: ANN401
        where: Callable[[int | None], str],
        tomogram: Callable[[int | None], str | None],
    ) -> Iterator[Finding]:
        """Give where rules are broken.

        Parameters
        ----------
        checked
            What the rules' functions are called with.
        where, tomogram
            What say where a row is, and of which tomogram.
        """
        for each in self:
            for fault in each.find(checked):
                yield Finding(
                    each.code,
                    fault.severity or each.severity,
                    where(fault.row),
                    fault.found,
                    each.relion,
                    each.mend,
                    tomogram(fault.row),
                )
