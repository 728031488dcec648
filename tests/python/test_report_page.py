"""The report as a file: well-formed, without a way out, escaped, within its size, the same each time."""

import base64
import hashlib
import json
import os
import re
import shutil
import stat
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cli_runs import run, run_process
from report_samples import HOSTILE, make_catalog, make_hostile_catalog, make_large_catalog
from tomoset import Catalog
from tomoset.report.markup import element, embedded, rendered
from tomoset.report.options import ReportOptions

#: Elements that HTML knows without an end; the page writes them so that XML does, too.
VOID = {"meta"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_catalog(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    with Catalog.open(folder) as catalog:
        return catalog.report().html.decode()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    with Catalog.open(make_hostile_catalog(tmp_path_factory.mktemp("hostile") / "catalog")) as catalog:
        return catalog.report().html.decode()


class Reader(HTMLParser):
    """Notes elements, whether they are closed in order, and the text of scripts and style sheets."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]].append(data)
        else:
            self.text += data


@pytest.mark.parametrize("name", ["page", "hostile"])
def test_well_formed(name: str, request: pytest.FixtureRequest) -> None:
    text = request.getfixturevalue(name)
    assert Reader(text).open == []
    without = re.sub(r"(<(script|style)\b[^>]*>).*?(</\2>)", r"\1\3", text, flags=re.DOTALL)
    tree = ElementTree.fromstring(without.removeprefix("<!DOCTYPE html>"))
    names = [found.get("id") for found in tree.iter() if found.get("id")]
    assert len(names) == len(set(names))
    for found in tree.iter():
        for attribute in ("aria-labelledby", "aria-describedby"):
            assert found.get(attribute) in (None, *names)
    assert [found.tag for found in tree.iter("h1")] == ["h1"]
    for drawing in tree.iter("svg"):
        assert (drawing.get("role"), len(drawing.findtext("title") or "") > 10) == ("img", True)


@pytest.mark.parametrize("name", ["page", "hostile"])
def test_nothing_is_asked_for(name: str, request: pytest.FixtureRequest) -> None:
    read = Reader(request.getfixturevalue(name))
    for tag, attributes in read.found:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "audio", "video", "source"}
        assert not {"src", "srcset", "action", "background", "data", "poster", "style"} & set(attributes)
        assert not [attribute for attribute in attributes if attribute.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    (style,) = read.raw["style"]
    assert "url(" not in style
    assert "@import" not in style
    script = read.raw["script"][-1]
    for word in (
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "import(",
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "eval(",
    ):
        assert word not in script


@pytest.mark.parametrize("name", ["page", "hostile"])
def test_the_policy_knows_this_script_and_style_sheet_alone(
    name: str, request: pytest.FixtureRequest
) -> None:
    read = Reader(request.getfixturevalue(name))
    (policy,) = [
        attributes["content"] or ""
        for tag, attributes in read.found
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    script, style = (
        base64.b64encode(hashlib.sha256(read.raw[kind][-1].encode()).digest()).decode()
        for kind in ("script", "style")
    )
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_names_are_text(hostile: str) -> None:
    read = Reader(hostile)
    scripts = [attributes for tag, attributes in read.found if tag == "script"]
    assert [attributes.get("type") for attributes in scripts] == [
        "application/json",
        "application/json",
        None,
    ]
    assert hostile.count("<script") == hostile.count("</script>") == 3
    assert "<img" not in hostile
    assert "\u202e" not in hostile
    # What was a line end and a mark of direction is spelled out, all else is as it was.
    shown = HOSTILE.replace("\n", "\\n").replace("\u202e", "\\u202e").replace("\u2028", "\\u2028")
    assert shown in read.text
    index = json.loads(read.raw["script"][0])
    row = dict(zip(index["fields"], index["rows"][0], strict=True))
    assert (row["key"], row["project"], index["panels"]) == (HOSTILE, shown, [HOSTILE])
    details = json.loads(read.raw["script"][1])
    assert details["series"][0]["name"] == shown
    assert details["jobs"][0][0] == shown


def test_text_cannot_become_markup() -> None:
    made = element("p", "a < b & c", element("b", HOSTILE), " > d", title=HOSTILE, hidden=False, class_="x")
    assert ElementTree.fromstring(rendered(made)).get("title", "").startswith("\"'><script>")
    assert rendered(element("p", "<i>", None, element("i"), "\x1b[0m")) == "<p>&lt;i&gt;<i></i>\\x1b[0m</p>"
    assert json.loads(embedded([HOSTILE])) == [HOSTILE]
    assert not set("<>&\n\u202e\u2028") & set(embedded([HOSTILE]))


def test_the_same_catalogue_gives_the_same_bytes(folder: Path, page: str, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    done = run_process("report", "--catalog", tmp_path / "copy", "-o", tmp_path / "again.html")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again.html").read_text() == page


def test_written_as_a_whole(folder: Path, page: str, tmp_path: Path) -> None:
    first, old = tmp_path / "first.html", tmp_path / "yesterdays.html"
    old.touch(mode=0o600)
    before = os.umask(0o027)
    try:
        with Catalog.open(folder) as catalog:
            for target in (first, old):
                made = catalog.report(target)
                assert made.html.decode() == page == target.read_text()
    finally:
        os.umask(before)
    assert [stat.S_IMODE(target.stat().st_mode) for target in (first, old)] == [0o640, 0o600]
    assert sorted(tmp_path.iterdir()) == [first, old]


@pytest.mark.parametrize(
    ("target", "fault"), [("none/report.html", FileNotFoundError), (".", IsADirectoryError)]
)
def test_faults_name_the_file_that_was_wanted(
    folder: Path, tmp_path: Path, target: str, fault: type[OSError]
) -> None:
    with Catalog.open(folder) as catalog, pytest.raises(fault) as raised:
        catalog.report(tmp_path / target, panels=0)
    assert raised.value.filename == str(tmp_path / target)
    assert list(tmp_path.iterdir()) == []


def test_the_size_is_kept_and_the_page_says_what_is_left_out(folder: Path) -> None:
    with Catalog.open(folder) as catalog:
        whole = catalog.report()
        assert "--max-size" not in whole.html.decode()
        few = catalog.report(panels=3)
    assert (
        "Details are there for 3 of 113 projects: what the last crawl found changed comes first"
        in few.html.decode()
    )
    assert "--project FOLDER" in few.html.decode()


def test_a_large_archive_stays_within_its_size(tmp_path: Path) -> None:
    with Catalog.open(make_large_catalog(tmp_path / "catalog", 12_000)) as catalog:
        made = catalog.report(max_bytes=1_500_000, panels=12_000)
        without = catalog.report(max_bytes=1_500_000, panels=0)
        text = made.html.decode()
    assert len(made.html) <= 1_500_000
    assert 0 < made.detailed < made.listed < made.projects == 12_000
    # Room that details do not need is for rows.
    assert 1_490_000 < len(without.html) <= 1_500_000
    assert made.listed < without.listed < 12_000
    assert f"The table lists the first {made.listed:,} of 12,000 projects" in text
    assert f"Details are there for {made.detailed:,} of 12,000 projects" in text


def test_an_empty_catalogue(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    Catalog.create(tmp_path / "catalog").close()
    done = run(capfd, "report", "--catalog", tmp_path / "catalog", "-o", tmp_path / "r.html")
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(rf"{tmp_path}/r.html: \d+(\.\d)? kB, 0 projects, 0 with details\n", done.out)
    read = Reader((tmp_path / "r.html").read_text())
    assert "The catalogue has no files: nothing was indexed yet, or all is gone." in read.text


def test_the_command(capfd: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, page: str) -> None:
    done = run(capfd, "report", "--catalog", folder, "-o", "-")
    assert (done.code, done.out, done.err) == (0, page, "")
    options = ("--project", "small/p1*", "--paths", "3", "--series", "2", "--max-size", "5")
    done = run(capfd, "report", "--catalog", folder, "-o", tmp_path / "r.html", *options)
    assert (done.code, ", 113 projects, 21 with details\n" in done.out) == (0, True)


def test_what_goes_wrong(capfd: pytest.CaptureFixture[str], folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "r.html"
    done = run(capfd, "report", "--catalog", tmp_path / "none", "-o", target)
    assert (done.code, done.err) == (
        3,
        f"tomoset: {tmp_path}/none: no catalogue here; 'tomoset index' makes one\n",
    )
    newer = tmp_path / "newer"
    shutil.copytree(folder, newer)
    (newer / "catalog.json").write_text('{"kind": "tomoset catalogue", "format": 99}')
    done = run(capfd, "report", "--catalog", newer, "-o", target)
    assert (done.code, "has catalogue format 99" in done.err, "upgrade tomoset" in done.err) == (
        3,
        True,
        True,
    )
    done = run(capfd, "report", "--catalog", folder, "-o", target, "--project", "krios1/2026/alhpa")
    assert (done.code, "no project of the catalogue is 'krios1/2026/alhpa'" in done.err) == (3, True)
    assert not target.exists()
    done = run(capfd, "report", "--catalog", folder, "-o", tmp_path / "no" / "r.html")
    missing = f"No such file or directory: there is no folder {tmp_path}/no"
    assert (done.code, done.err) == (3, f"tomoset: {tmp_path}/no/r.html: {missing}\n")
    for option, number in (
        ("--max-size", "0.1"),
        ("--max-size", "nan"),
        ("--max-size", "inf"),
        ("--paths", "1000000"),
    ):
        done = run(capfd, "report", "--catalog", folder, "-o", target, option, number)
        assert (done.code, f"'{option}': {number} is no" in done.err) == (2, True)
    with pytest.raises(ValueError, match="paths is 1,000,000; it must be at most 999,999"):
        ReportOptions(paths=1_000_000)


def test_everything_that_the_page_is_made_of_is_installed() -> None:
    folder = resources.files("tomoset.report")
    assets = {file.name for file in (folder / "assets").iterdir()}
    assert {"page.html", "base.css", "print.css", "table.js", "panel.js", "page.js"} <= assets
    for file in (folder / "assets").iterdir():
        assert "http://" not in file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in file.read_text("utf-8")
    assert len([file for file in (folder / "queries").iterdir() if file.name.endswith(".sql")]) > 15
