"""What a task and a contender are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from readings import Reading


@dataclass(frozen=True)
class Contender:
    """One way to do a task.

    `work` is what is timed: it takes the path, or the list of paths when the task has many; with `prepare` it takes
    what that makes of the path, untimed. `look` reads off its result afterwards. A slow one has a limit to its
    `rounds`.
    """

    name: str
    package: str | None
    work: Callable[[Any], Any]
    look: Callable[[Any], Reading]
    format: Literal["star", "csv"] = "star"
    rounds: int | None = None
    prepare: Callable[[Any], Any] | None = None

    def ready(self, argument: Any) -> Any:
        """What the work takes."""
        return argument if self.prepare is None else self.prepare(argument)


@dataclass(frozen=True)
class Task:
    """One thing to do to one dataset of the manifest."""

    name: str
    title: str
    dataset: str
    contenders: tuple[Contender, ...]
    many: bool = False


def find(tasks: Iterable[Task], task: str, contender: str) -> tuple[Task, Contender]:
    """Look up one pair by name."""
    chosen = next(each for each in tasks if each.name == task)
    return chosen, next(each for each in chosen.contenders if each.name == contender)
