"""Chromium without a window, for the tests of the report; tests that need it skip where it is not there."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Page:
    """A file in a browser, and all that it did.

    Parameters
    ----------
    driver
        Selenium's.
    """

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, path: Path, fragment: str = "") -> None:
        """Show a file anew, and forget what was."""
        self.driver.get("about:blank")
        self.messages()
        self.requests()
        self.driver.get(path.as_uri() + fragment)

    def __call__(self, script: str, *arguments: object) -> Any:
        """Return the value of an expression of JavaScript."""
        return self.driver.execute_script(f"return {script}", *arguments)

    def until(self, script: str) -> None:
        """Wait until an expression of JavaScript is true: some events come after what caused them."""
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.driver, 20, 0.05).until(lambda _: self(script))

    def texts(self, selector: str) -> list[str]:
        """Return what elements say."""
        return list(
            self(
                "[...document.querySelectorAll(arguments[0])].map((found) => found.innerText.trim())",
                selector,
            )
        )

    def click(self, selector: str) -> None:
        """Click an element, wherever it is on the page."""
        self("document.querySelector(arguments[0]).click()", selector)

    def press(self, *keys: str) -> None:
        """Press keys, each by itself, where the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def resize(self, width: int, height: int) -> None:
        """Give the page so much room."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def prefer(self, scheme: str) -> None:
        """Let the system be light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def messages(self) -> list[str]:
        """Return what the console has said since it was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return what was asked for since this was asked last."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent if params["request"]["url"] != "about:blank"]


@contextmanager
def browser() -> Iterator[Page]:
    """Start Chromium and end it; skip the test where there is none."""
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    found = next((shutil.which(name) for name in BROWSERS if shutil.which(name)), None)
    service = shutil.which("chromedriver")
    if found is None or service is None:
        pytest.skip("Chromium and its driver are not installed (make browser installs them on Debian)")
    options = selenium.ChromeOptions()
    options.binary_location = found
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
    ):
        options.add_argument(argument)
    options.add_argument("--window-size=1440,900")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = selenium.Chrome(options=options, service=selenium.ChromeService(service))
    try:
        yield Page(driver)
    finally:
        driver.quit()
