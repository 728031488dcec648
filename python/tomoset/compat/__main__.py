"""``python -m tomoset.compat SCRIPT [ARGS]``, or ``-m MODULE [ARGS]``: run what imports `starfile`, unchanged."""

from __future__ import annotations

import importlib.util
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
            sys.path[0] = ""
            # Its package may import starfile while it is looked for.
            install()
            if not _is_there(module):
                print(f"python -m tomoset.compat: no module named {module!r}", file=sys.stderr)
                raise SystemExit(2)
            sys.argv = [module, *rest]
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


def _is_there(module: str) -> bool:
    """Tell whether there is a module to be run; one whose package cannot be imported is its own affair."""
    top = module.partition(".")[0]
    try:
        return top == "starfile" or importlib.util.find_spec(module) is not None
    except ModuleNotFoundError as fault:
        return fault.name is None or not module.startswith(fault.name)
    except (ImportError, ValueError):
        return True


if __name__ == "__main__":
    main(sys.argv[1:])
