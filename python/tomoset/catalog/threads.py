"""Work in a thread of its own, so that Ctrl-C and a progress bar do not wait for compiled code."""

import threading
from collections.abc import Callable
from typing import TypeVar

_POLL_SECONDS = 0.1

Item = TypeVar("Item")


def wait_for(work: Callable[[], Item], *, on_interrupt: Callable[[], None]) -> Item:
    """Do some work elsewhere and return its answer; an interrupt here is passed on to it.

    Parameters
    ----------
    work
        What to do; its exception is raised here.
    on_interrupt
        Makes the work end soon.
    """
    answers: list[Item] = []
    faults: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as fault:  # raised again in the thread that waits
            faults.append(fault)
        finally:
            done.set()

    threading.Thread(target=run, name="tomoset-work", daemon=True).start()
    try:
        while not done.wait(_POLL_SECONDS):
            pass
    except BaseException:
        on_interrupt()
        done.wait()
        raise
    if faults:
        raise faults[0]
    return answers[0]
