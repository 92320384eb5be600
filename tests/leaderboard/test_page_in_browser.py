"""The pages, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import browser as browsers
import pytest
from browser import Browser

from degrade.benchmark.report import build_leaderboard

pytest.importorskip("jinja2")
PUBLISHED = Path(__file__).parents[2] / "leaderboard/results"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_leaderboard(PUBLISHED, folder)
    return folder


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    with browsers.start() as browser:
        yield browser


@pytest.fixture
def browser(started: Browser) -> Iterator[Browser]:
    started.complaints()
    yield started
    assert started.complaints() == []


def columns(browser: Browser) -> list[str]:
    """Heads of the columns of the scores that are seen."""
    return [re.sub(r"[ ↑↓▲▼].*", "", text) for text in browser.texts("#scores thead th")]


def overflow(browser: Browser) -> list[int]:
    """By how many pixels the page, and the scores in it, are too wide."""
    width: list[int] = browser.ask(
        "[document.documentElement, ...document.querySelectorAll('.table .scroll')]"
        ".map(e => e.scrollWidth - e.clientWidth)"
    )
    return width


@pytest.mark.parametrize("page", ["index.html", "quick-v2.html", "models/rtn-scratch.html"])
@pytest.mark.parametrize("width", [1400, 1280, 768, 390, 320])
def test_nothing_lies_behind_a_scroll_bar(browser: Browser, site: Path, page: str, width: int) -> None:
    browser.open(site / page, width)
    assert set(overflow(browser)) == {0}
    shown = browser.texts(".table thead th")
    assert shown[2].startswith("PSNR")
    assert len(shown) >= (10 if width >= 1280 else 5 if width > 700 else 3)


def test_prose_is_as_wide_as_the_table(browser: Browser, site: Path) -> None:
    browser.open(site / "quick-v2.html", 1400)
    prose, table = (
        browser.ask("document.querySelector(arguments[0]).getBoundingClientRect().width", selector)
        for selector in ("#scores .note", "#scores .scroll")
    )
    assert prose == table


def test_columns_are_chosen_and_the_address_keeps_the_choice(browser: Browser, site: Path) -> None:
    browser.open(site / "quick-v2.html")
    fitted = columns(browser)
    assert fitted[:4] == ["Rank", "Model", "PSNR", "Gain"]
    assert "Memory" not in fitted
    browser.click(".columns summary")
    browser.click("input[value=memory]")
    browser.click("input[value=ssim]")
    chosen = columns(browser)
    assert "Memory" in chosen
    assert "SSIM" not in chosen
    browser.click("th[data-column=lpips] button")
    address = browser.address
    assert re.fullmatch(r"#\?columns=psnr,gain,[a-z_,]*memory&sort=lpips", address)
    order = browser.texts("#scores tbody .model")

    browser.open(site / "quick-v2.html", at=address)
    assert columns(browser) == chosen
    assert browser.texts("#scores tbody .model") == order
    assert browser.texts("#scores .ranked-by") == ["LPIPS ↓"]
    browser.click("nav a[href='#training']")
    browser.ask("new Promise(done => setTimeout(done, 50))")
    assert browser.address == "#training" + address[1:]
    browser.click("[data-choose=all]")
    assert {"Memory", "SSIM", "Parameters"} <= set(columns(browser))
    browser.click("[data-choose=fit]")
    assert columns(browser) == fitted
    assert browser.address == "#training?sort=lpips"


def test_a_group_is_chosen_at_once(browser: Browser, site: Path) -> None:
    browser.open(site / "quick-v2.html", at="#?columns=psnr,mask_ap")
    assert columns(browser) == ["Rank", "Model", "PSNR", "mask"]
    state = "[...document.querySelectorAll('[data-group]')].map(b => [b.checked, b.indeterminate])"
    assert browser.ask(state) == [[True, True], [False, False], [True, True], [False, False]]
    browser.click("fieldset:nth-child(4) [data-group]")
    assert columns(browser)[-3:] == ["Parameters", "Time", "Memory"]
    assert browser.ask(state)[3] == [True, False]
    browser.click("fieldset:nth-child(4) [data-group]")
    assert columns(browser) == ["Rank", "Model", "PSNR", "mask"]


@pytest.mark.parametrize("at", ["#?columns=", "#?columns=no,<b>&sort=-no", "#%E0%A4?x=%", "#?sort=constructor"])
def test_addresses_that_make_no_sense_do_no_harm(browser: Browser, site: Path, at: str) -> None:
    browser.open(site / "quick-v2.html", at=at)
    assert columns(browser)[:2] == ["Rank", "Model"]
    assert len(browser.texts("#scores tbody tr")) == 8


def test_a_row_has_a_link_of_its_own(browser: Browser, site: Path) -> None:
    browser.open(site / "quick-v2.html", at="#row-rtn-scratch?columns=lpips")
    assert browser.texts("tr.linked .model") == ["rtn (scratch)"]
    place = browser.ask("document.querySelector('tr.linked').getBoundingClientRect().top")
    assert 0 <= place < 900
    browser.click("#row-median .link")
    browser.ask("new Promise(done => setTimeout(done, 50))")
    assert browser.texts("tr.linked .model") == ["median"]
    assert browser.address == "#row-median?columns=lpips"


def test_each_model_has_a_page_and_the_pages_lead_to_each_other(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    browser.click("a[href='models/rtn-scratch.html']")
    assert browser.texts("h1") == ["rtn (scratch)"]
    assert {"By damage", "Training"} <= set(browser.texts("h3"))
    assert browser.texts("#results .rank")[1].startswith("6 of 8")
    browser.click("a[href='../quick-v2.html#row-rtn-scratch']")
    assert browser.texts("tr.linked .model") == ["rtn (scratch)"]
    browser.click(".eyebrow a")
    assert browser.texts("h1") == ["Leaderboard"]


def test_columns_are_chosen_and_sorted_by_the_keyboard(browser: Browser, site: Path) -> None:
    browser.open(site / "quick-v2.html")
    browser.ask("document.querySelector('.columns summary').focus()")
    browser.press("\ue007")  # enter
    assert browser.ask("document.querySelector('.columns').open")
    before = columns(browser)
    browser.press("\ue004", " ")  # tab, to the first group
    assert columns(browser) != before
    browser.ask("document.querySelector('th[data-column=model] button').focus()")
    browser.press("\ue007")
    assert browser.texts("#scores tbody .model") == sorted(browser.texts("#scores tbody .model"))


def test_text_is_readable_on_every_ground_in_light_and_dark(browser: Browser, site: Path) -> None:
    """WCAG's contrast of text on the strongest colour of the heat map, and on the panel."""
    script = """(() => {
        const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
        const light = (...colors) => {
            colors.forEach((color) => { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); });
            const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(v => v / 255)
                .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const style = (element) => getComputedStyle(element);
        const panel = style(document.querySelector("#damage .scroll")).backgroundColor;
        return [".heat.best", ".interval", ".unit"].map((selector) => {
            const element = document.querySelector("#damage " + selector) ?? document.querySelector(selector);
            const [a, b] = [light(style(element).color), light(panel, style(element).backgroundColor)];
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        });
    })()"""
    grounds = set()
    for dark in (False, True):
        browser.dark(dark)
        browser.open(site / "quick-v2.html")
        assert min(browser.ask(script)) > 4.5
        grounds.add(browser.ask("getComputedStyle(document.body).backgroundColor"))
    browser.dark(False)
    assert len(grounds) == 2
