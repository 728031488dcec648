"""Write THIRD-PARTY.md: the Rust crates that are linked into the compiled part, with their licences.

    python release/third_party.py            writes it anew
    python release/third_party.py --check    fails unless it is current, or if a licence is not one of those below

What `cargo metadata` says of the locked versions, and the licence files of the crates, are all that goes in.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from requirements import ROOT, requirements

TARGET = ROOT / "THIRD-PARTY.md"
#: What wheels are made for.
PLATFORMS = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
)
#: Licences that may be linked into a package under MIT, those that ask least first; of several, the first is taken.
ALLOWED = (
    "MIT",
    "0BSD",
    "Zlib",
    "BSL-1.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "Apache-2.0",
    "Unicode-3.0",
)
#: Files of a licence by what their names tell; of none, every licence file of the crate is given.
FILES = {
    "MIT": r"MIT",
    "Apache-2.0": r"APACHE|^LICENSE\.txt$|NOTICE",
    "BSL-1.0": r"BOOST",
    "BSD-2-Clause": r"BSD-2|LICENSE-BSD",
    "BSD-3-Clause": r"BSD-3",
    "Unicode-3.0": r"UNICODE",
}
HEAD = """\
# What tomoset is built with

The compiled part of tomoset's wheels (`tomoset/_core`) has the following Rust crates linked into it, beside Rust's
standard library (MIT or Apache-2.0, https://www.rust-lang.org). tomoset itself is under the MIT licence (`LICENSE`).
Where a crate may be used under one of several licences, the one taken comes first. Written by
`release/third_party.py` from `Cargo.lock`; `make third-party` writes it anew.

"""


class Crate(NamedTuple):
    """A crate that is linked in."""

    name: str
    version: str
    licence: str
    taken: tuple[str, ...]
    repository: str
    folder: Path


def main() -> int:
    """Write or check the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument(
        "--packages", action="store_true", help="list the Python packages that it may run with"
    )
    asked = parser.parse_args()
    if asked.packages:
        print(*python_packages())
        return 0
    text = rendered(sorted(linked_crates()))
    if not asked.check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        print("THIRD-PARTY.md is not what Cargo.lock says: run `make third-party`", file=sys.stderr)
        return 1
    return 0


def python_packages() -> list[str]:
    """Give the Python packages that tomoset names, without those that only its developers need."""
    found = {match[0] for match in (re.match(r"[A-Za-z0-9-]+", one) for one in requirements()) if match}
    return sorted(found - {"tomoset"})


def linked_crates() -> set[Crate]:
    """Give all crates that are linked in on any platform; build scripts and procedural macros are not."""
    found: set[Crate] = set()
    for platform in PLATFORMS:
        command = ["cargo", "metadata", "--format-version=1", "--locked", "--features=python"]
        done = subprocess.run(
            [*command, f"--filter-platform={platform}"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        found |= _linked(json.loads(done.stdout))
    return found


def _linked(metadata: dict[str, Any]) -> set[Crate]:
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    seen, left = {root}, [root]
    while left:
        for dependency in nodes[left.pop()]["deps"]:
            which = dependency["pkg"]
            is_normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            is_macro = any("proc-macro" in target["kind"] for target in packages[which]["targets"])
            if is_normal and not is_macro and which not in seen:
                seen.add(which)
                left.append(which)
    return {_crate(packages[which]) for which in seen if which != root}


def _crate(package: dict[str, Any]) -> Crate:
    licence = (package["license"] or "").replace("/", " OR ")
    name = f"{package['name']} {package['version']}"
    return Crate(
        package["name"],
        package["version"],
        licence,
        taken_of(licence, name),
        package["repository"] or "",
        Path(package["manifest_path"]).parent,
    )


def taken_of(licence: str, name: str) -> tuple[str, ...]:
    """Give the licences under which a crate is used, by its SPDX expression.

    Raises
    ------
    SystemExit
        None of them is allowed.
    """
    taken = []
    for part in re.split(r"\s+AND\s+", licence):
        choices = re.split(r"\s+OR\s+", part.strip("() "))
        allowed = [known for known in ALLOWED if known in choices]
        if not allowed:
            raise SystemExit(
                f"{name}: licence {licence!r} is not one that is allowed (release/third_party.py)"
            )
        taken.append(allowed[0])
    return tuple(dict.fromkeys(taken))


def rendered(crates: list[Crate]) -> str:
    """Give the whole file."""
    lines = [HEAD, "| crate | version | licence | |\n|---|---|---|---|\n"]
    texts: dict[str, list[str]] = {}
    for crate in crates:
        others = "" if " AND ".join(crate.taken) == crate.licence else f" (of {crate.licence})"
        place = crate.repository.removeprefix("https://").removesuffix(".git")
        lines.append(f"| {crate.name} | {crate.version} | {' and '.join(crate.taken)}{others} | {place} |\n")
        found = [_plain(file.read_text(encoding="utf-8", errors="replace")) for file in licence_files(crate)]
        for text in found or [f"(Its package holds no text of its licence: {crate.licence}.)"]:
            texts.setdefault(text, []).append(f"{crate.name} {crate.version}")
    lines.append("\n## The licences\n")
    for text, names in texts.items():
        fence = "~~~~"
        lines.append(f"\n### {', '.join(names)}\n\n{fence}\n{text}\n{fence}\n")
    return "".join(lines)


def licence_files(crate: Crate) -> list[Path]:
    """Give the files of a crate that hold the licences it is used under, and its notices."""
    every = sorted(
        path
        for path in crate.folder.iterdir()
        if path.is_file() and re.match(r"(LICEN[CS]E|COPYING|COPYRIGHT|NOTICE)", path.name, re.IGNORECASE)
    )
    chosen = [
        path
        for path in every
        if any(re.search(FILES.get(taken, "^$"), path.name, re.IGNORECASE) for taken in crate.taken)
    ]
    return chosen or every


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines()).replace("\f", "")


if __name__ == "__main__":
    sys.exit(main())
