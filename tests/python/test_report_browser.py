"""The report in a browser: it draws, sorts, searches, filters, opens projects, obeys keys, and asks for nothing."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Page, browser
from report_samples import HOSTILE, SMALL, make_catalog, make_hostile_catalog
from tomoset import Catalog

ALL = SMALL + 3
EVERYTHING = f"{ALL - 1} projects and 1 folder of loose files"
PAGE = 50
ENTER, ESCAPE, DOWN, UP, HOME, END = "\ue007", "\ue00c", "\ue015", "\ue013", "\ue011", "\ue010"
ROWS = "#table tbody tr"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Page]:
    with browser() as page:
        yield page


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("report")
    made = {name: folder / f"{name}.html" for name in ("report", "few", "hostile", "empty")}
    with Catalog.open(make_catalog(folder)) as catalog:
        catalog.report(made["report"])
        catalog.report(made["few"], panels=1)
    with Catalog.open(make_hostile_catalog(folder / "hostile")) as catalog:
        catalog.report(made["hostile"])
    with Catalog.create(folder / "empty") as catalog:
        catalog.report(made["empty"])
    return made


@pytest.fixture
def page(chromium: Page, files: dict[str, Path]) -> Iterator[Page]:
    """Open the report; afterwards nothing was said on the console and nothing was asked for but the file."""
    chromium.resize(1440, 900)
    chromium.prefer("light")
    chromium.open(files["report"])
    yield chromium
    assert chromium.messages() == []
    assert {url.partition("#")[0] for url in chromium.requests()} <= {
        path.as_uri() for path in files.values()
    }


def projects(page: Page) -> list[str]:
    return page.texts(f"{ROWS} .project a")


def focused(page: Page) -> Any:
    return page("document.activeElement.closest('tr')?.querySelector('a').innerText")


def test_it_draws(page: Page) -> None:
    assert page.texts("h1") == ["Archive report"]
    assert page.texts("#count") == [EVERYTHING]
    assert len(page.texts(ROWS)) == PAGE
    assert page.texts("#more button") == [f"Show {PAGE} more", f"Show all {ALL}"]
    assert page.texts(".tiles dd")[0] == str(ALL - 1)
    assert page("document.querySelectorAll('svg.bars rect').length") > 5
    assert page("document.querySelector('#table table').getAttribute('aria-rowcount')") == str(ALL + 1)
    assert page("document.documentElement.scrollWidth <= innerWidth")


def test_it_sorts(page: Page) -> None:
    heads = "#table th[data-column='series']"
    page.click(f"{heads} button")
    assert page(f'document.querySelector("{heads}").getAttribute("aria-sort")') == "descending"
    assert page("document.querySelectorAll('#table [aria-sort$=ending]').length") == 1
    assert projects(page)[0] == "krios1/2026/alpha"
    page.click(f"{heads} button")
    assert page(f'document.querySelector("{heads}").getAttribute("aria-sort")') == "ascending"
    assert "krios1/2026/alpha" not in projects(page)
    page.click("#table th[data-column='project'] button")
    assert projects(page)[:4] == ["glacios/old", "krios1/2026/alpha", "loose", "small/p0"]
    assert projects(page)[5:7] == ["small/p2", "small/p3"]
    # What is not known comes last either way.
    for _ in range(2):
        page.click("#table th[data-column='relion'] button")
        assert page.texts(f"{ROWS} td[data-column='relion']")[0] in ("4", "5")


def test_it_searches(page: Page) -> None:
    page.press("/")
    assert page("document.activeElement.id") == "search"
    page.press("a", "l", "p", "h")
    assert (projects(page), page.texts("#count")) == (["krios1/2026/alpha"], [f"1 of {ALL}"])
    page.press(ESCAPE)
    assert (page("document.activeElement.value"), page.texts("#count")) == ("", [EVERYTHING])
    page.press("K", "R", " ", "2", "0", "2", "6")
    assert projects(page) == ["krios1/2026/alpha"]
    page.press(ENTER)
    assert focused(page) == "krios1/2026/alpha"


def choose(page: Page, name: str, value: str) -> None:
    page(
        "(([list, value]) => { list.value = value; list.dispatchEvent(new Event('input', { bubbles: true })); })"
        "([document.getElementById(arguments[0]), arguments[1]])",
        f"filter-{name}",
        value,
    )


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("relion", "4", ["glacios/old"]),
        ("hand", "-1", ["krios1/2026/alpha", "small/p7"]),
        ("problems", "errors", ["loose"]),
        ("code", "R201", ["loose"]),
        ("news", "last", ["loose", "small/p7"]),
        ("state", "loose files", ["loose"]),
        ("news", "old", []),
        ("size", "10000000", []),
    ],
)
def test_it_filters(page: Page, name: str, value: str, found: list[str]) -> None:
    choose(page, name, value)
    assert sorted(projects(page)) == found
    assert page.texts("#count") == [f"{len(found)} of {ALL}"]
    choose(page, name, "")
    assert page.texts("#count") == [EVERYTHING]


def test_filters_are_combined_and_taken_back(page: Page) -> None:
    choose(page, "hand", "-1")
    choose(page, "news", "last")
    assert projects(page) == ["small/p7"]
    page.click("#filters > button")
    assert page.texts("#count") == [EVERYTHING]


def test_what_wants_attention_filters(page: Page) -> None:
    assert [words.split()[0] for words in page.texts(".attention button")] == ["2", "1", "2", "2"]
    page.click(".attention button[data-value='failed or aborted']")
    assert sorted(projects(page)) == ["glacios/old", "krios1/2026/alpha"]
    page.click(".problem button[data-value='R201']")
    assert (projects(page), focused(page)) == (["loose"], "loose")


def test_keys_go_through_the_table(page: Page) -> None:
    page.click("#table th[data-column='project'] button")
    page.press("/", DOWN)
    assert focused(page) == "glacios/old"
    page.press(DOWN, DOWN, UP)
    assert focused(page) == "krios1/2026/alpha"
    page.press(END)
    assert page("document.activeElement.sectionRowIndex") == PAGE - 1
    page.press(DOWN)
    assert (page("document.activeElement.sectionRowIndex"), len(page.texts(ROWS))) == (PAGE, 2 * PAGE)
    page.press(HOME)
    assert focused(page) == "glacios/old"
    assert page("document.querySelectorAll('#table tbody [tabindex=\"0\"]').length") == 1
    assert page("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_project_opens_and_closes(page: Page) -> None:
    page.click("#table th[data-column='project'] button")
    page.press("/", DOWN, DOWN, ENTER)
    assert page("document.getElementById('panel').open")
    assert page.texts("#panel h2") == ["krios1/2026/alpha"]
    assert page.texts("#panel h3") == ["Jobs", "Tilt series", "Particle sets"]
    assert len(page.texts("#panel .jobs tbody tr")) == 4
    assert page("document.querySelectorAll('#panel .lanes .dot').length") == 4
    assert page.texts("#panel .series tbody th")[:3] == ["TS_1", "TS_2", "TS_3"]
    assert page("document.querySelectorAll('#panel .spark').length") == 24
    assert page("document.querySelectorAll('#panel .large path').length") == 24
    assert page("document.querySelector('#panel .spark').getAttribute('aria-label')") == (
        "Tilt scheme: 3 images, from -3 to 3 (tilt, degrees)"
    )
    assert page("location.hash") == "#project=krios1%2F2026%2Falpha"
    page.press(ESCAPE)
    page.until("!document.getElementById('panel').open && location.hash === '#projects'")
    assert focused(page) == "krios1/2026/alpha"


def test_a_project_has_an_address(page: Page, files: dict[str, Path]) -> None:
    page.open(files["report"], "#project=small%2Fp7")
    assert page.texts("#panel h2") == ["small/p7"]
    assert page.texts("#panel h3")[-1] == "Changes in the last crawl"
    page("location.hash = '#project=krios1%2F2026%2Falpha'")
    page.until("document.querySelector('#panel h2').innerText === 'krios1/2026/alpha'")
    page.driver.back()
    page.until("document.querySelector('#panel h2').innerText === 'small/p7'")
    page.open(files["report"], "#project=%E0%A4%A")
    assert not page("document.getElementById('panel').open")


def test_a_project_without_details_says_how_to_get_them(page: Page, files: dict[str, Path]) -> None:
    page.open(files["few"], "#project=krios1%2F2026%2Falpha")
    assert page.texts("#panel pre") == [
        "tomoset report --catalog DIR --project 'krios1/2026/alpha' -o project.html"
    ]


def test_light_and_dark(page: Page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = page(background)
    page.prefer("dark")
    dark = page(background)
    assert light != dark
    assert page.texts("#theme") == ["Theme: system"]
    page.click("#theme")
    assert (page.texts("#theme"), page(background)) == (["Theme: light"], light)
    page.prefer("light")
    page.click("#theme")
    assert (page.texts("#theme"), page(background)) == (["Theme: dark"], dark)
    page.driver.refresh()
    assert page(background) == dark
    page.click("#theme")
    assert page(background) == light


def test_paper_has_all_rows(page: Page) -> None:
    printed = page.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")
    assert len(page.texts(ROWS)) == ALL
    assert page("document.querySelectorAll('details[open]').length") == 0


@pytest.mark.parametrize("width", [390, 760, 1024])
@pytest.mark.parametrize("name", ["report", "hostile", "empty"])
def test_narrow_windows(page: Page, files: dict[str, Path], name: str, width: int) -> None:
    page.resize(width, 844)
    page.open(files[name])
    assert page("document.documentElement.scrollWidth") <= width
    if name != "empty":
        page.click(ROWS)
        assert page("document.getElementById('panel').scrollWidth") <= width


def test_hostile_names_are_shown_and_do_nothing(page: Page, files: dict[str, Path]) -> None:
    page.open(files["hostile"])
    assert page("document.querySelectorAll('script').length") == 3
    assert page("document.querySelectorAll('img').length") == 0
    shown = HOSTILE.replace("\n", "\\n").replace("\u202e", "\\u202e").replace("\u2028", "\\u2028")
    assert page(f"document.querySelector('{ROWS} a').textContent") == shown
    page.press("/", DOWN, ENTER)
    assert page("document.querySelector('#panel h2').textContent") == shown
    assert page("document.querySelector('#panel .series tbody th').textContent") == shown
    assert page("document.querySelectorAll('script').length") == 3
    assert page("document.querySelectorAll('img').length") == 0
    page.press(ESCAPE)
    page.until("!document.getElementById('panel').open")


def test_an_empty_catalogue(page: Page, files: dict[str, Path]) -> None:
    page.open(files["empty"])
    assert "The catalogue has no files" in page.texts(".empty")[0]
    assert page.texts("#count") == ["0 projects"]


def test_an_old_page_says_so(page: Page, files: dict[str, Path]) -> None:
    assert page("document.getElementById('stale').hidden")
    later = "const now = Date.now; Date.now = () => now() + 5 * 86400000;"
    script = page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": later})
    page.open(files["report"])
    page.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    assert page.texts("#stale") == ["The archive was last looked at 5 days ago."]


def test_without_scripts_the_rest_is_there(page: Page, files: dict[str, Path]) -> None:
    page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.open(files["report"])
        source = page.driver.find_element("tag name", "body").text
    finally:
        page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert "needs JavaScript" in source
    assert "row-length" in source
