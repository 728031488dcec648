"""The examples in README and docstrings, run as they stand."""

import doctest
import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest
import tomoset
import tomoset.blocks
import tomoset.star
import tomoset.writing
from readme_files import README_FILES

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project with the files that README speaks of, as the working directory."""
    for name, text in README_FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_readme(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pandas")
    blocks = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    names: dict[str, object] = {"tomoset": tomoset}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert len(blocks) == 4
    assert "R101 rows-after-blank" in capsys.readouterr().out


def test_the_fault_that_is_shown(project: Path) -> None:
    labels = "".join(f"_rlnLabel{at}\n" for at in range(26))
    row = "TS_01 " + "1 " * 28
    Path("particles.star").write_text(
        f"data_particles\n\nloop_\n_rlnTomoName\n_a\n_b\n{labels}_c\n\n{row}\n\n"
    )
    with pytest.raises(tomoset.StarSyntaxError) as raised:
        tomoset.read_star("particles.star")
    (shown,) = re.findall(r"^particles\.star:.*$", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    before, after = shown.split("'TS_01 ...'")
    assert str(raised.value).endswith(after)
    wanted = re.sub(r":\d+:", ":35:", before, count=1)
    assert str(raised.value).startswith(wanted)


@pytest.mark.parametrize(
    "module",
    [
        tomoset.star,
        tomoset.blocks,
        tomoset.writing,
        *(
            importlib.import_module(f"tomoset.geometry.{name}")
            for name in ("ctf", "dose", "euler", "orientation", "projection")
        ),
    ],
    ids=lambda each: each.__name__,
)
def test_docstrings(module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tried = doctest.testmod(module, extraglobs={"tomoset": tomoset})
    assert tried.failed == 0
    assert tried.attempted > 0
