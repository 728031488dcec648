"""What a rule is: a code, what RELION does, how to mend it, and a function that finds where it is broken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, NotRequired, TypedDict

from tomoset.sets.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tomoset.diagnostics import Severity

__all__ = ["Fault", "Place", "Rule", "Rules"]


class Fault(NamedTuple):
    """A place where a rule is broken."""

    found: str
    #: The row of the set's table.
    row: int | None = None
    #: Where it is worse or less bad than rules of this kind are.
    severity: Severity | None = None
    #: The column, in the set's file or, with a tilt, in that of the tilt series.
    label: str | None = None
    #: The image of the tilt series that the row is of.
    tilt: int | None = None
    #: Which of the sets that are looked at together, where it is about no row.
    part: int = 0
    #: The block, if it is another than the one that has the rows.
    block: str | None = None


class Place(TypedDict):
    """Where a fault is, as `Finding` has it."""

    where: str
    tomogram: NotRequired[str | None]
    path: NotRequired[str | None]
    block: NotRequired[str | None]
    row: NotRequired[int | None]
    label: NotRequired[str | None]


@dataclass(frozen=True)
class Rule:
    """Something that a set must keep.

    Attributes
    ----------
    id : str
        Such as ``O101``.
    code : str
        Its name, such as ``odd-hand``.
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

    id: str
    code: str
    severity: Severity
    about: str
    relion: str
    mend: str
    find: Callable[[Any], Iterable[Fault]]


class Rules(list[Rule]):
    """Rules of one kind of set, in the order in which they are looked at."""

    def rule(
        self, id: str, code: str, severity: Severity, about: str, *, relion: str, mend: str
    ) -> Callable[[Callable[[Any], Iterable[Fault]]], Rule]:
        """Make a rule of a function that gives the faults of a set."""

        def made(find: Callable[[Any], Iterable[Fault]]) -> Rule:
            new = Rule(id, code, severity, about, relion, mend, find)
            self.append(new)
            return new

        return made

    def also(self, rule: Rule) -> Callable[[Callable[[Any], Iterable[Fault]]], Rule]:
        """Have a rule of another kind of set, too, of which a function gives the faults in this kind."""

        def made(find: Callable[[Any], Iterable[Fault]]) -> Rule:
            new = replace(rule, find=find)
            self.append(new)
            return new

        return made

    def findings(
        self,
        checked: Any,  # noqa: ANN401
        place: Callable[[Fault], Place],
    ) -> Iterator[Finding]:
        """Give where rules are broken.

        Parameters
        ----------
        checked
            What the rules' functions are called with.
        place
            What says where a fault is.
        """
        for each in self:
            for fault in each.find(checked):
                yield Finding(
                    code=each.code,
                    severity=fault.severity or each.severity,
                    found=fault.found,
                    relion=each.relion,
                    mend=each.mend,
                    **place(fault),
                )
