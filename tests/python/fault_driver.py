"""``tomoset`` with small batches, for the tests of what a crash leaves.

FAULT_GO names a file that is made when the imports are done.
"""

import os
from pathlib import Path

import tomoset.catalog.store  # noqa: F401  so that kills strike the work and not the imports
from tomoset.catalog import indexing
from tomoset.cli import main

if __name__ == "__main__":
    indexing.FILES_AT_ONCE = int(os.environ.get("FAULT_FILES_AT_ONCE", "1"))
    indexing.COMMIT_SECONDS = float(os.environ.get("FAULT_COMMIT_SECONDS", "0"))
    if "FAULT_GO" in os.environ:
        Path(os.environ["FAULT_GO"]).touch()
    main()
