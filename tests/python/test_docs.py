"""All blocks of code in README and the docs: each page runs from top to bottom, and prints what it shows."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import tomoset.compat
from docs_pages import PAGES, PLAIN, PROGRAMS, ROOT, Runner, blocks, grow_old, has, sessions
from readme_files import README_FILES
from set_files import GEOMETRY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("no_hang")

#: Blocks that are not run, by page; each says why.
NOT_RUN = {
    "README.md": 2,
    "docs/howto/query-elsewhere.md": 1,
    "docs/index.md": 1,
    "docs/installing.md": 1,
    "docs/operations.md": 3,
}
LANGUAGES = {"python", "bash", "console", "sql", "star", "rust", "cpp", "toml", "yaml", "text"}
#: Texts that the tests of these pages read.
TEXTS = {"docs/format.md": "test_docs_format.py", "docs/starfile.md": "test_compat_docs.py"}
#: Whose names are all public; others have some, which are in the reference too.
MODULES = [
    "tomoset",
    "tomoset.catalog",
    "tomoset.checking",
    "tomoset.compare",
    "tomoset.compat",
    "tomoset.compat.starfile",
    "tomoset.exceptions",
    "tomoset.geometry",
    "tomoset.mending",
    "tomoset.outlines",
    "tomoset.plots",
    "tomoset.sets",
]
NEEDS = sorted({(page, each.value) for page in PAGES for each in blocks(page) if each.option == "needs"})


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an archive such as the pages speak of."""
    folder = tmp_path_factory.mktemp("docs") / "archive"
    script = ROOT / "examples" / "make_archive.py"
    subprocess.run([sys.executable, script, folder], check=True, stdout=subprocess.DEVNULL)
    grow_old(folder)
    return folder


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of programs."""
    folder = tmp_path_factory.mktemp("programs")
    for name, text in PROGRAMS.items():
        (folder / name).write_text(f"#!/usr/bin/env bash\n{text}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the folder of a page, as the working directory."""
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path / "page")
    yield tmp_path / "page"
    tomoset.compat.uninstall()


def prepare(page: str, folder: Path, archive: Path) -> None:
    """Put there what a page speaks of and does not make."""
    text = (ROOT / page).read_text(encoding="utf-8")
    if "/data/" in text or "```sql" in text:
        shutil.copytree(archive, folder / "data" / "projects", symlinks=True)
        sessions_here = [each for each in blocks(page) if each.language == "console" and not each.option]
        if not any("tomoset index /data/projects" in each.text for each in sessions_here):
            tomoset.Catalog.create(folder / "data" / "catalog").index(folder / "data" / "projects")
    if page == "README.md":
        for name, content in README_FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
    if page == "docs/mending.md":
        project = next(archive.glob("krios1/2024/*/relion5"))
        shutil.copytree(project, folder / "my_project")
        shutil.copy(project / "Extract/job010/particles.star", folder)
        (folder / "my_project/Import/job001/movies.star").write_text(
            f"data_\n\nloop_\n_rlnMicrographMovieName\n/old/disk/frames/a.eer\n{folder}/data/my_project/b.eer\n\n"
        )
    if page in {"docs/sets.md", "docs/rules.md"}:
        shutil.copytree(GEOMETRY / "relion5_plain", folder, dirs_exist_ok=True)
        for name in ("particles.star", "motion.star", "optimisation_set.star"):
            shutil.copy(GEOMETRY.parent / "particles" / "relion5_full" / name, folder / name)
        (folder / "manifolds.star").write_text(
            "data_TS_01\n\nloop_\n_rlnTomoManifoldIndex\n_rlnTomoManifoldType\n_rlnTomoManifoldParams\n"
            "0 sphere [1,2,3,4]\n"
        )
        shutil.copytree(GEOMETRY / "relion5_plain", folder / "project")
        tomoset.write_fiducials([[1, 2, 3]], folder / "fiducials_TS_01.star")


def run_page(page: str, folder: Path, archive: Path, programs: Path, needs: set[str]) -> None:
    prepare(page, folder, archive)
    runner = Runner(folder, programs)
    for block in blocks(page):
        if block.option not in {"no-run", "checked-by"} and (block.option != "needs" or block.value in needs):
            runner.run(block)


@pytest.mark.parametrize("page", PAGES)
def test_page(page: str, folder: Path, archive: Path, programs: Path) -> None:
    run_page(page, folder, archive, programs, set())


@pytest.mark.filterwarnings("default")  # of these packages
@pytest.mark.parametrize(("page", "need"), NEEDS)
def test_page_with(page: str, need: str, folder: Path, archive: Path, programs: Path) -> None:
    if not has(need):
        pytest.skip(f"there is no {need}")
    run_page(page, folder, archive, programs, {need})


# What is not run.


def test_few_blocks_are_not_run() -> None:
    left = [each for page in PAGES for each in blocks(page) if each.option == "no-run"]
    assert all(each.value for each in left), "a block that is not run says why"
    assert dict(Counter(each.page for each in left)) == NOT_RUN


@pytest.mark.parametrize("page", PAGES)
def test_all_fences_are_known(page: str) -> None:
    for block in blocks(page):
        if PLAIN.fullmatch(block.language):
            commands = re.search(r"^(\$ )?(tomoset|pip|python|make|cargo) ", block.text, re.MULTILINE)
            assert not commands, f"{block}: commands stand in a block of console, which is run"
            continue
        assert block.language in LANGUAGES, f"{block}: unknown language {block.language!r}"
        assert block.option in {"", "escapes", "no-run", "needs", "checked-by"}, f"{block}: {block.option!r}"
        if block.language == "star" and block.file is None:
            assert (ROOT / "tests" / "python" / TEXTS[page]).exists()
        if block.option == "checked-by":
            assert page in (ROOT / block.value).read_text(encoding="utf-8"), f"{block}: {block.value}"
        if block.language in {"rust", "cpp"}:
            assert block.file or block.option == "checked-by", f"{block}: nobody runs it"


def test_sessions_are_cut_where_a_shell_would() -> None:
    text = "$ a 'x\ny' \\\n  -b\nout\n$ c\n"
    assert sessions(text) == [("a 'x\ny' \\\n  -b\n", "out\n"), ("c\n", "")]


# The reference.


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_in_the_reference(module: str) -> None:
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")]
    shown = {
        name for page in pages for name in re.findall(r"^\.\. auto\w+:: (tomoset\.\S+)$", page, re.MULTILINE)
    }
    found = {id(resolved(name)) for name in shown}
    loaded = importlib.import_module(module)
    missing = [name for name in loaded.__all__ if name[0] != "_" and id(getattr(loaded, name)) not in found]
    assert not missing, f"{module}: to be put into docs/reference"


def resolved(name: str) -> object:
    """Give what a dotted name is; all of them must be there."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)
