"""Check what is in wheels and source distributions: all that belongs there, and nothing else.

python release/contents.py dist/*.whl dist/*.tar.gz
"""

from __future__ import annotations

import re
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST_BYTES = 8_000_000
#: Folders and files at the top that are for whoever works on tomoset.
OURS = r"(tests|docs|benches|examples|fuzz|release|\.github|\.ci|Makefile)(/|$)"
JUNK = r"(^|/)(__pycache__|\.git[a-z]*|\.DS_Store|[^/]*\.(pyc|orig|rej|bak|swp|rs\.bk|log))(/|$)"
METADATA = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "licenses/THIRD-PARTY.md")


def main(paths: list[str]) -> int:
    """Tell what is wrong with each file, and its size."""
    wrong = 0
    for path in map(Path, paths):
        problems = wheel_problems(path) if path.suffix == ".whl" else source_problems(path)
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, {'; '.join(problems) or 'as it should be'}")
        wrong += len(problems)
    return 1 if wrong or not paths else 0


def wheel_problems(path: Path) -> list[str]:
    """Give what is wrong with a wheel."""
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    version = path.name.split("-")[1]
    wanted = {f"tomoset/{name}" for name in _package()} | {"tomoset/_core.abi3.so"}
    wanted |= {f"tomoset-{version}.dist-info/{name}" for name in METADATA}
    more = {name for name in names - wanted if not re.search(r"\.dist-info/(sboms/.*|top_level\.txt)$", name)}
    problems = [f"{name} is missing" for name in sorted(wanted - names)]
    problems += [f"{name} does not belong here" for name in sorted(more)]
    if path.stat().st_size > MOST_BYTES:
        problems.append(f"more than {MOST_BYTES / 1e6:g} MB")
    return problems


def source_problems(path: Path) -> list[str]:
    """Give what is wrong with a source distribution."""
    with tarfile.open(path) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    wanted = {f"python/tomoset/{name}" for name in _package()}
    wanted |= {file.relative_to(ROOT).as_posix() for file in (ROOT / "src").rglob("*") if file.is_file()}
    wanted |= {"Cargo.toml", "Cargo.lock", "build.rs", "pyproject.toml", "README.md", "PKG-INFO"}
    wanted |= {"LICENSE", "THIRD-PARTY.md"}
    problems = [f"{name} is missing" for name in sorted(wanted - names)]
    return problems + [
        f"{name} does not belong here"
        for name in sorted(names)
        if re.match(OURS, name) or re.search(JUNK, name) or name.endswith(".so")
    ]


def _package() -> list[str]:
    """Give the files of the Python package, as they are in the working tree."""
    folder = ROOT / "python" / "tomoset"
    return [
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and not re.search(JUNK, file.as_posix()) and file.suffix not in (".so", ".dylib")
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
