"""A real browser, where Chromium and its driver are installed (Debian: chromium, chromium-driver)."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

BINARIES = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """Opens pages and asks what is seen of them."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, page: Path, width: int = 1280, height: int = 900, at: str = "") -> None:
        """Opens a page anew at a width of the window, pixels; `at` is the address within it."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        self.driver.get("about:blank")
        self.driver.get(page.as_uri() + at)

    def dark(self, on: bool) -> None:
        """What the system's setting says."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def ask(self, script: str, *given: Any) -> Any:
        """The value of an expression; `given` is ``arguments``."""
        return self.driver.execute_script(f"return {script}", *given)

    def click(self, selector: str) -> None:
        self.ask("document.querySelector(arguments[0]).click()", selector)

    def press(self, *keys: str) -> None:
        """Keys, to what has the focus."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def texts(self, selector: str) -> list[str]:
        """Of all that is seen and matches."""
        found: list[str] = self.ask(
            "[...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility())"
            ".map(e => e.innerText.replace(/\\s+/g, ' ').trim())",
            selector,
        )
        return found

    def level(self, selector: str, x: float, y: float) -> int:
        """The brightness, 0 to 255, that is seen at a place of an element, from 0 to 1 of its width and height."""
        found = "const e = document.querySelector(arguments[0]); "
        self.driver.execute_script(found + "e.scrollIntoView({block: 'center', behavior: 'instant'})", selector)
        box = self.driver.execute_async_script(  # once it is painted
            found + "const pictures = [...document.images].filter(e => e.checkVisibility()).map(e => e.decode());"
            "const box = (b) => [b.x, b.y, b.width, b.height];"
            "const painted = () => arguments[1](box(e.getBoundingClientRect()));"
            "Promise.allSettled(pictures).then(() => requestAnimationFrame(() => requestAnimationFrame(painted)))",
            selector,
        )
        with Image.open(BytesIO(self.driver.get_screenshot_as_png())) as picture:
            level = picture.convert("L").getpixel((round(box[0] + x * box[2]), round(box[1] + y * box[3])))
        return int(level)

    def wait(self, script: str, seconds: float = 10) -> Any:
        """The value of an expression, once it is true."""
        end = time.monotonic() + seconds
        while not (value := self.ask(script)):
            assert time.monotonic() < end, script
            time.sleep(0.02)
        return value

    @property
    def address(self) -> str:
        """What follows the page's name."""
        return str(self.ask("location.hash"))

    def complaints(self) -> list[str]:
        """Errors and warnings since the last call, such as of what the page's own policy forbids."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@contextmanager
def start() -> Iterator[Browser]:
    """A browser; the test is skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    binary = next((path for name in BINARIES if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if not (binary and driver):
        pytest.skip("Chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Its sandbox does not start as root, as in containers.
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", *sandbox):
        options.add_argument(argument)
    running = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield Browser(running)
    finally:
        running.quit()
