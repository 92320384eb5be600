"""The pages, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import browser as browsers
import numpy as np
import pandas as pd
import pytest
from browser import Browser

from degrade.benchmark.report import build_leaderboard
from degrade.benchmark.statistics import difference
from degrade.benchmark.strips import save_samples
from degrade.leaderboard.schema import load

pytest.importorskip("jinja2")
PUBLISHED = Path(__file__).parents[2] / "leaderboard/results"
MODELS = len([*(PUBLISHED / "quick-v4").glob("*.json")])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_leaderboard(PUBLISHED, folder)
    return folder


CLIPS = ["03_camera_00000", "04_rocket_00000"]
LEVELS = {"median": 0.4, "rtn-scratch": 0.8}


@pytest.fixture(scope="module")
def pictured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of three models with samples: plain pictures, whose upper left quarter is lit in every other frame."""
    folder = tmp_path_factory.mktemp("pictured")
    task = folder / "results" / "quick-v4"
    for name in (*LEVELS, "input"):
        load(PUBLISHED / "quick-v4" / f"{name}.json").save(task / f"{name}.json")
    for clip in CLIPS:
        frames = np.zeros((10, 128, 192, 1), np.float32)
        lit = frames.copy()
        lit[1::2, :64, :96] = 0.2
        for name, level in LEVELS.items():
            save_samples(task / "strips" / clip, {"input": frames, "clean": frames + 1, name: lit + level})
    build_leaderboard(folder / "results", folder / "site")
    return folder / "site" / "quick-v4.html"


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


@pytest.mark.parametrize("page", ["index.html", "quick-v4.html", "models/rtn-scratch.html"])
@pytest.mark.parametrize("width", [1400, 1280, 768, 390, 320])
def test_nothing_lies_behind_a_scroll_bar(browser: Browser, site: Path, page: str, width: int) -> None:
    browser.open(site / page, width)
    assert set(overflow(browser)) == {0}
    shown = browser.texts(".table thead th")
    assert shown[2].startswith("PSNR")
    assert len(shown) >= (10 if width >= 1280 else 5 if width > 700 else 3)


def test_prose_is_as_wide_as_the_table(browser: Browser, site: Path) -> None:
    browser.open(site / "quick-v4.html", 1400)
    prose, table = (
        browser.ask("document.querySelector(arguments[0]).getBoundingClientRect().width", selector)
        for selector in ("#scores .note", "#scores .scroll")
    )
    assert prose == table


def test_columns_are_chosen_and_the_address_keeps_the_choice(browser: Browser, site: Path) -> None:
    browser.open(site / "quick-v4.html")
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

    browser.open(site / "quick-v4.html", at=address)
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
    browser.open(site / "quick-v4.html", at="#?columns=psnr,mask_ap")
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
    browser.open(site / "quick-v4.html", at=at)
    assert columns(browser)[:2] == ["Rank", "Model"]
    assert len(browser.texts("#scores tbody tr")) == MODELS


def test_a_row_has_a_link_of_its_own(browser: Browser, site: Path) -> None:
    browser.open(site / "quick-v4.html", at="#row-rtn-scratch?columns=lpips")
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
    assert browser.texts("#results .rank")[1].startswith(f"=1 of {MODELS}")
    browser.click("a[href='../quick-v4.html#row-rtn-scratch']")
    assert browser.texts("tr.linked .model") == ["rtn (scratch)"]
    browser.open(site / "models" / "rtn-scratch.html")
    others = browser.texts("#task-quick-v4 > p a")
    assert others == ["rtn (bundled)", "median"]  # other weights, and the best baseline
    browser.click("#task-quick-v4 > p a:first-child")
    assert browser.texts("#compare .scores > :first-child th")[1:3] == ["rtn (scratch)", "rtn (bundled)"]
    browser.click(".eyebrow a")
    assert browser.texts("h1") == ["Leaderboard"]


def test_columns_are_chosen_and_sorted_by_the_keyboard(browser: Browser, site: Path) -> None:
    browser.open(site / "quick-v4.html")
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
        browser.open(site / "quick-v4.html")
        assert min(browser.ask(script)) > 4.5
        grounds.add(browser.ask("getComputedStyle(document.body).backgroundColor"))
    browser.dark(False)
    assert len(grounds) == 2


def choose(browser: Browser, selector: str, value: str) -> None:
    browser.ask(
        "((box, value) => { box.value = value; for (const e of ['input', 'change']) box.dispatchEvent(new Event(e)) })"
        "(document.querySelector(arguments[0]), arguments[1])",
        selector,
        value,
    )


def test_two_models_are_compared_score_by_score(browser: Browser, site: Path) -> None:
    browser.open(site / "quick-v4.html", at="#compare?compare=nlmeans,rtn-scratch")
    rows = browser.texts("#compare .scores > :nth-child(1) tbody tr")
    a, b = (load(PUBLISHED / "quick-v4" / f"{name}.json") for name in ("nlmeans", "rtn-scratch"))
    series = [[clip.metrics["psnr"] for clip in result.clips] for result in (a, b)]
    films = [clip.sequence for clip in a.clips]
    mean, low, high = difference(*(pd.Series(values, index=films) for values in series))
    signed = [f"{value:+.2f}".replace("-", "−") for value in (mean, low, high)]
    assert rows[0].startswith("PSNR ↑ dB 31.27 29.33 – 33.29 35.96 33.90 – 38.49 ")
    assert high < 0
    assert rows[0].endswith(f" {signed[0]} {signed[1]} – {signed[2]} rtn (scratch) is better")
    assert next(row for row in rows if row.startswith("E_warp")).endswith("rtn (scratch) is better")  # the lower
    assert any(row.startswith("mask AP ↑ – 0.719") and row.endswith("–") for row in rows)
    assert "Weights – scratch" in [row[:17] for row in browser.texts("#compare .scores > :nth-child(3) tbody tr")]
    damage = browser.texts("#compare .scores > :nth-child(2) tbody tr")
    assert damage[0].startswith("PSNR inside ↑ dust ")
    browser.click("#compare .swap")
    turned = browser.texts("#compare .scores > :nth-child(1) tbody tr")[0]
    swap = str.maketrans("+−", "−+")
    assert turned.endswith(f"{signed[0]} {signed[2]} – {signed[1]}".translate(swap) + " rtn (scratch) is better")
    assert browser.address == "#compare?compare=rtn-scratch,nlmeans"
    choose(browser, "#compare .first", "median")
    choose(browser, "#compare .second", "classical")
    assert browser.texts("#compare .scores > :nth-child(1) tbody tr")[0].endswith("not told apart")
    assert browser.address == "#compare?compare=median,classical"


def test_one_picture_lies_over_the_other_up_to_the_divide(browser: Browser, pictured: Path) -> None:
    browser.open(pictured, at="#compare?compare=median,rtn-scratch")
    left, right = 102, 204  # 0.4 and 0.8 of 255
    assert [browser.level(".stage", x, 0.8) for x in (0.1, 0.45, 0.55, 0.9)] == pytest.approx(
        [left] * 2 + [right] * 2, abs=3
    )
    browser.ask("document.querySelector('.split input').focus()")
    browser.press("\ue010")  # end
    assert browser.level(".stage", 0.9, 0.8) == pytest.approx(left, abs=3)
    browser.press("\ue011")  # home
    assert browser.level(".stage", 0.1, 0.8) == pytest.approx(right, abs=3)


def test_clips_are_played_frame_by_frame(browser: Browser, pictured: Path) -> None:
    browser.open(pictured, at="#compare?compare=median,rtn-scratch")
    assert browser.ask("Number(document.querySelector('input.frame').max)") == 9
    for frame, lit in ((0, 0), (1, 51), (2, 0), (9, 51)):
        choose(browser, "input.frame", str(frame))
        assert browser.level(".stage", 0.1, 0.2) == pytest.approx(102 + lit, abs=3)
    browser.ask("document.querySelector('.stage').focus({preventScroll: true})")
    browser.press(".")  # after the last comes the first
    assert browser.ask("document.querySelector('input.frame').value") == "0"
    browser.press(" ")
    assert browser.texts(".play[aria-pressed=true]") == ["Play"]
    seen = browser.wait("(() => { const f = document.querySelector('input.frame').value; return f > 2 && f })()")
    browser.press(" ")
    assert 2 < int(seen) <= 9


def test_zoom_and_place_are_the_same_in_the_pictures_of_all_models(browser: Browser, pictured: Path) -> None:
    browser.open(pictured, at="#compare")
    choose(browser, ".view", "all")
    assert browser.texts(".stage figcaption") == ["input", "median", "rtn (scratch)", "clean"]
    browser.ask("document.querySelector('.stage').focus({preventScroll: true})")
    browser.press("++", "\ue012")  # to the left
    seen = browser.ask(
        "[...document.querySelectorAll('.stage img')].map(e => [e, e.parentNode].map(e => e.getBoundingClientRect()))"
        ".map(([a, b]) => [a.width / b.width, (b.x - a.x) / b.width].map(v => v.toFixed(2)))"
    )
    # Enlarged twice, from the middle a tenth to the left: what is seen begins at a fifth of the picture.
    assert seen == [["2.00", "0.40"]] * 4
    choose(browser, "input.frame", "1")
    median = ".stage .tile:nth-child(2) .frame-window"
    assert [browser.level(median, x, 0.2) for x in (0.1, 0.5, 0.7)] == pytest.approx([153, 153, 102], abs=3)


@pytest.mark.parametrize("width", [1280, 390])
def test_what_strangers_write_is_text_and_bursts_no_page(browser: Browser, tmp_path: Path, width: int) -> None:
    attack = "<img src=x onerror=hit=1>\"'&%" + "x" * 400
    for name in ("median", "rtn-scratch"):
        result = load(PUBLISHED / "quick-v4" / f"{name}.json")
        facts = {"title": attack + name, "summary": attack, "paper": attack, "config": {attack: name}}
        clips = [
            clip.model_copy(update={"clip": attack + clip.clip, "kinds": {attack: {"psnr_inside": 20.0}}})
            for clip in result.clips
        ]
        model = result.model.model_copy(update={**facts, "name": "<b>" + name})
        made = result.model_copy(update={"model": model, "clips": tuple(clips)})
        made.save(tmp_path / "results" / "quick-v4" / f"{name}.json")
    written = build_leaderboard(tmp_path / "results", tmp_path / "site")
    for page in (path for path in written if path.suffix == ".html"):
        browser.open(page, width)
        assert browser.ask("[typeof hit, document.querySelectorAll('img, b').length]")[0] == "undefined"
        assert not browser.ask("document.querySelectorAll('td img, th img, h1 img, option img').length")
        assert set(overflow(browser)) == {0}, page.name
    assert browser.texts("h1")[0].startswith(attack)


def test_without_samples_there_is_no_viewer(browser: Browser, site: Path) -> None:
    browser.open(site / "quick-v4.html")  # with samples of one clip
    assert browser.ask("!!document.querySelector('.viewer')")
    browser.open(site / "clips-v2.html")
    assert browser.texts("#compare h2") == ["Compare two models"]
    assert not browser.ask("document.querySelector('.viewer')")
