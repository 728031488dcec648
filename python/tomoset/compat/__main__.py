"""``python -m tomoset.compat SCRIPT [ARGS]``, or ``-m MODULE [ARGS]``: run what imports `starfile`, unchanged."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from tomoset.compat import install

_USAGE = "usage: python -m tomoset.compat SCRIPT [ARGS]\n       python -m tomoset.compat -m MODULE [ARGS]"


def main(arguments: list[str]) -> None:
    """Run a script or a module with `tomoset.compat.starfile` as `starfile`."""
    match arguments:
        case ["-h" | "--help", *_]:
            print(_USAGE)
        case ["-m", module, *rest]:
            install()
            sys.argv = [module, *rest]
            sys.path[0] = ""
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [script, *rest] if not script.startswith("-"):
            if not Path(script).exists():
                print(f"python -m tomoset.compat: can't open file {script!r}: no such file", file=sys.stderr)
                raise SystemExit(2)
            install()
            sys.argv = [script, *rest]
            sys.path[0] = str(Path(script).resolve().parent)
            runpy.run_path(script, run_name="__main__")
        case _:
            print(_USAGE, file=sys.stderr)
            raise SystemExit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
