"""One scale of severities: whoever tells of a text uses the same word for it, and errors are the two worst."""

import re
from pathlib import Path

import pytest
import tomoset
from catalog_samples import answer, write
from cli_runs import run
from tomoset import Catalog, _core
from tomoset.checking.registry import all_codes
from tomoset.diagnostics import ERRORS, SEVERITIES
from tomoset.report.archive import archive
from tomoset.words import severities_text

#: Of a tilt series, whose values the catalogue reads.
HEADER = "data_TS_01\n\nloop_\n_rlnTomoNominalStageTiltAngle #1\n_rlnDefocusU #2\n"
#: Of each text what is found in it, the worst first.
TEXTS = {
    "short.star": (HEADER + "0\n", [("R201", "fatal")]),
    "stops.star": (HEADER + "0 30000\ndata_y\n_a 1\n", [("B112", "fatal")]),
    "gap.star": (HEADER + "0 nan\n\n3 30000\n", [("R101", "silent"), ("V101", "silent")]),
    "word.star": (HEADER + "0 high\n", [("V107", "silent")]),
    "misspelt.star": (HEADER + "_rlnVoltge #3\n0 30000 300\n", [("H106", "silent")]),
    "notes.star": ("notes of a day\n", [("L201", "warning")]),
    "other.star": (HEADER + "_rlnNothingLikeThat #3\n0 30000 300\n", [("H106", "note")]),
    "fine.star": (HEADER + "0 30000\n", []),
}
COUNTS = {"fatal": 2, "silent": 4, "warning": 1, "note": 1}
WORDS = "2 fatal, 4 silent, 1 warning, 1 note"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, (text, _) in TEXTS.items():
        write(tmp_path / "archive" / name, text)
    return tmp_path / "archive"


def test_the_scale() -> None:
    assert SEVERITIES == ("fatal", "silent", "warning", "note")
    assert SEVERITIES[: len(ERRORS)] == ERRORS
    assert {severity for _, _, severity, *_ in _core.diagnostic_codes()} == set(SEVERITIES)
    assert {code.id: code.severity for code in all_codes()}.items() >= {
        (code, severity) for code, _, severity, *_ in _core.diagnostic_codes()
    }


def test_in_words() -> None:
    assert severities_text(COUNTS) == WORDS
    assert severities_text({"note": 1_204, "fatal": 0, "warning": 2}) == "2 warnings, 1,204 notes"
    assert severities_text({}) == ""


@pytest.mark.parametrize("name", TEXTS)
def test_reader_and_check_agree(root: Path, name: str) -> None:
    wanted = sorted(TEXTS[name][1])
    read = tomoset.read_star(root / name, on_error="collect").diagnostics
    assert sorted((each.code, each.severity) for each in read) == wanted
    assert sorted((each.id, each.severity) for each in tomoset.check(root / name)) == wanted


def test_catalogue_and_check_agree(root: Path, tmp_path: Path) -> None:
    with Catalog.create(tmp_path / "catalog") as catalog:
        summary = catalog.index(root, threads=1)
        assert (summary.problems, summary.num_errors) == (COUNTS, 6)
        # A column is no whole there: each value that does not fit is null.
        code = "if(code = 'V201', 'V107', code)"
        found = answer(catalog, f"SELECT path, {code}, severity FROM problems ORDER BY ALL")
        checked = tomoset.check(root)
        assert found == sorted((Path(each.path or "").name, each.id, each.severity) for each in checked)
        assert answer(catalog, "SELECT problems, errors FROM projects") == [(8, 6)]
        assert answer(catalog, "SELECT errors, warnings FROM crawls") == [(6, 1)]
        # A label that means another is one of those where RELION goes on with other values.
        statuses = dict(answer(catalog, "SELECT path, status FROM files"))
        assert statuses["misspelt.star"] == "diagnosed"
        assert (statuses["other.star"], statuses["fine.star"]) == ("ok", "ok")


def test_the_report_sorts_by_it(root: Path, tmp_path: Path) -> None:
    with Catalog.create(tmp_path / "catalog") as catalog:
        write(root / "first" / "fine.star", TEXTS["fine.star"][0])
        catalog.index(root / "first", threads=1)
        (tmp_path / "other").mkdir()
        catalog.index(tmp_path / "other", threads=1, allow_empty=True)
        for name in ("gap.star", "other.star", "short.star", "notes.star"):
            write(tmp_path / "other" / name, TEXTS[name][0])
        write(root / "first" / "more.star", TEXTS["gap.star"][0])
        catalog.index(root / "first", threads=1)
        catalog.index(tmp_path / "other", threads=1)
        whole = archive(catalog.sql, catalog.status().roots, 9)
        page = catalog.report().html.decode()
    assert [(row["severity"], row["code"], row["files"]) for row in whole.problems] == [
        ("fatal", "R201", 1),
        ("silent", "R101", 2),
        ("silent", "V101", 2),
        ("warning", "L201", 1),
        ("note", "H106", 1),
    ]
    # Two files have R101 and V101; each counts once.
    assert whole.totals["fresh_errors"] == 3
    assert re.findall(r'<span class="severity (\w+)">(\w+)<', page) == [
        (row["severity"], row["severity"]) for row in whole.problems
    ]


def test_commands_say_it(capfd: pytest.CaptureFixture[str], root: Path, tmp_path: Path) -> None:
    done = run(capfd, "index", root, "--catalog", tmp_path / "catalog")
    assert f"problems   {WORDS}\n" in done.out
    assert run(capfd, "check", root, "--severity", "note").out.endswith(f": {WORDS}\n")
    shown = run(capfd, "show", root / "gap.star").out
    assert "\n2 silent\n  line 6: silent V101 not-finite\n" in shown
    assert repr(tomoset.read_star(root / "gap.star")).endswith("diagnostics: 2 silent")


@pytest.mark.parametrize("name", TEXTS)
def test_strict_fails_where_relion_stops_or_goes_on_with_other_values(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    text, found = TEXTS[name]
    write(tmp_path / "archive" / name, text)
    arguments = ("index", tmp_path / "archive", "--catalog", tmp_path / "catalog", "--quiet")
    is_error = any(severity in ERRORS for _, severity in found)
    # The second time it is known and not read.
    for _ in range(2):
        assert run(capfd, *arguments, "--strict").code == int(is_error)
    assert run(capfd, *arguments).code == 0
