"""What a worker of ``--local-cluster`` does first: its output is not for the terminal."""

import os


def dask_setup(_: object) -> None:
    """Send all that is printed nowhere; errors come back with the tasks."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    # So that no task waits for them.
    import tomoset.catalog.shard  # noqa: F401
