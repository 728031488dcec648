"""``tomoset convert`` to STAR."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli_runs import PROJECT, run
from tomoset import read_star, write_star
from tomoset.foreign import TableFormatError, read_table

ODD = """data_particles

loop_
_rlnTomoName #1
_rlnTomoVisibleFrames #2
_rlnDefocusU #3
_rlnEnabled #4
_rlnComment #5
_myDate #6
_myCount #7
_myName #8
TS_01 [1,0,1] 1774.4227000000001 1 'a, "b" # c' 2020-01-01 3 x
001 [0,0,1] -3 0 "two words" 2021-02-03 4 002
TS_03 [] 1e-300 1 "" none 5 ""
"""


@pytest.fixture
def star(tmp_path: Path) -> Path:
    (tmp_path / "run_data.star").write_text(PROJECT)
    return tmp_path / "run_data.star"


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "feather", "csv", "json", "jsonl", "ndjson"])
@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
def test_there_and_back(capfd: pytest.CaptureFixture[str], tmp_path: Path, suffix: str, packed: str) -> None:
    before, between, after = tmp_path / "a.star", tmp_path / f"b.{suffix}", tmp_path / f"c.star{packed}"
    before.write_text(ODD)
    assert run(capfd, "convert", before, between).code == 0
    done = run(capfd, "convert", between, after, "--block", "particles")
    assert (done.code, done.out, done.err) == (0, "", "")
    again, once = (read_star(path)["particles"].to_arrow() for path in (after, before))
    assert again.schema == once.schema
    assert again.to_pylist() == once.to_pylist()


@pytest.mark.parametrize("suffix", ["parquet", "csv", "json"])
def test_missing_values_are_decided_upon(
    capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path, suffix: str
) -> None:
    between, after = tmp_path / f"b.{suffix}", tmp_path / "c.star"
    assert run(capfd, "convert", star, between, "--block", "particles").code == 0
    done = run(capfd, "convert", between, after)
    assert (done.code, "label rlnCenteredCoordinateXAngst: row 2" in done.err, after.exists()) == (
        3,
        True,
        False,
    )
    assert run(capfd, "convert", between, after, "--na", "rlnCenteredCoordinateXAngst=-1").code == 0
    assert read_star(after)[""]["rlnCenteredCoordinateXAngst"].to_pylist() == [1774.4227, -3, -1]
    assert run(capfd, "convert", between, after, "--na", "nan", "--force").code == 0
    assert str(read_star(after)[""]["rlnCenteredCoordinateXAngst"].to_pylist()) == "[1774.4227, -3.0, nan]"


def test_nulls_in_text_stay_null(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('rlnTomoName,rlnVoltage,rlnComment\n001,300,""\n,,\n')
    assert read_table(tmp_path / "a.csv", "csv").to_pydict() == {
        "rlnTomoName": ["001", None],
        "rlnVoltage": [300.0, None],
        "rlnComment": ["", None],
    }


def test_star_to_star_keeps_the_text(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path) -> None:
    for out in ("a.star", "a.star.gz", "a.star.zst", "a.tomostar"):
        assert run(capfd, "convert", star, tmp_path / out).code == 0
    assert (tmp_path / "a.star").read_text() == (tmp_path / "a.tomostar").read_text() == PROJECT
    assert (tmp_path / "a.star.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert run(capfd, "convert", tmp_path / "a.star.gz", "-", "--format", "star").out == PROJECT
    assert run(capfd, "convert", tmp_path / "a.star.zst", tmp_path / "b.star").code == 0
    assert (tmp_path / "b.star").read_text() == PROJECT


def test_star_to_star_anew(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path) -> None:
    out = tmp_path / "b.star"
    assert run(capfd, "convert", star, out, "--floats", "%.2f", "--na", "keep").code == 0
    assert "1774.42 " in out.read_text()
    assert out.read_text().startswith("\n# version 50001\n")
    assert run(capfd, "convert", star, out, "--floats", "rlnVoltage=%.1f", "--na", "0", "--force").code == 0
    assert "300.0 " in out.read_text()
    assert read_star(out)["particles"]["rlnCenteredCoordinateXAngst"].to_pylist() == [1774.4227, -3, 0]
    assert run(capfd, "convert", star, out, "--layout", "starfile", "--na", "keep", "--force").code == 0
    assert "1774.4227\t" in out.read_text()


def test_one_block_and_all_blocks(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path) -> None:
    assert run(capfd, "convert", star, tmp_path / "o.star", "--block", "optics").code == 0
    assert list(read_star(tmp_path / "o.star")) == ["optics"]
    assert '2 200.0 "second group"\n' in (tmp_path / "o.star").read_text()
    assert run(capfd, "convert", star, tmp_path / "s_{block}.star").code == 0
    assert sorted(path.name for path in tmp_path.glob("s_*")) == [
        "s_general.star",
        "s_optics.star",
        "s_particles.star",
    ]
    done = run(capfd, "convert", star, tmp_path / "p.star", "--block", "particle")
    assert (done.code, "no block 'particle'; did you mean" in done.err) == (2, True)
    star.write_text("data_a\n_x 1\ndata_a\n_x 2\n")
    assert run(capfd, "convert", star, tmp_path / "p.star", "--block", "a").code == 2
    assert run(capfd, "convert", star, tmp_path / "p_{block}.star", "--block", "a").code == 0
    assert read_star(tmp_path / "p_a-2.star")["a"].values == {"x": 2}


def test_in_place_only_if_forced(capfd: pytest.CaptureFixture[str], star: Path) -> None:
    done = run(capfd, "convert", star, star, "--floats", "%.1f", "--na", "keep")
    assert (done.code, "exists already; --force replaces it" in done.err, star.read_text()) == (
        3,
        True,
        PROJECT,
    )
    assert run(capfd, "convert", star, star, "--floats", "%.1f", "--na", "keep", "--force").code == 0
    assert " 1774.4 " in star.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--floats", "six"], 'floats is "six"'),
        (["--floats", "%.1f", "--floats", "%.2f"], "--floats is given twice for all labels"),
        (["--na", "=3"], "no label before '='"),
        (["--layout", "gemmi"], "Invalid value for '--layout'"),
    ],
)
def test_wrong_options(
    capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = run(capfd, "convert", star, tmp_path / "o.star", *arguments)
    assert (done.code, words in done.err, (tmp_path / "o.star").exists()) == (2, True, False)


def test_options_that_do_not_fit(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path) -> None:
    done = run(capfd, "convert", star, tmp_path / "o.csv", "--block", "optics", "--na", "0")
    assert (done.code, "are for OUT in STAR" in done.err) == (2, True)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    done = run(capfd, "convert", tmp_path / "a.parquet", tmp_path / "a.csv")
    assert (done.code, "IN must be STAR" in done.err) == (2, True)
    done = run(capfd, "convert", tmp_path / "a.parquet", tmp_path / "{block}.star")
    assert (done.code, "{block} in OUT is for STAR files" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.parquet", b"data_\n", "no parquet that can be read"),
        ("a.arrow", b"data_\n", "no arrow that can be read"),
        ("a.csv", b"a,b\n1,2,3\n", "no csv that can be read"),
        ("a.csv", b"", "no csv that can be read"),
        ("a.csv", b"rlnVoltage\nhigh\n", "column rlnVoltage: expected"),
        ("a.json", b"", "no object in the first line"),
        ("a.json", b"[1]\n", "expected an object"),
        ("a.json", b'{"a": 1\n', "line 1:"),
        ("a.json", b'{"a": 1}\n{"a": "x"}\n', "no json that can be read"),
        ("a.json", b'{"a": {"b": 1}}\n', "column a: objects within a row"),
    ],
)
def test_broken_tables(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, name: str, text: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(text)
    done = run(capfd, "convert", tmp_path / name, tmp_path / "o.star")
    assert done.code == 3
    assert done.err.startswith(f"tomoset: {tmp_path / name}: ")
    assert words in done.err
    assert not (tmp_path / "o.star").exists()


def test_a_missing_table(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    done = run(capfd, "convert", tmp_path / "no.csv", tmp_path / "o.star")
    assert (done.code, done.err) == (3, f"tomoset: {tmp_path}/no.csv: No such file or directory\n")
    with pytest.raises(TableFormatError, match="no parquet"):
        read_table(__file__, "parquet")


def test_a_block_keeps_its_name(star: Path, tmp_path: Path) -> None:
    write_star(read_star(star)["optics"], tmp_path / "o.star")
    assert list(read_star(tmp_path / "o.star")) == ["optics"]
    write_star(read_star(star)["optics"], tmp_path / "o.star", name="other")
    assert list(read_star(tmp_path / "o.star")) == ["other"]
