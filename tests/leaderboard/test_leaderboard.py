"""The pages of all tasks and models."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from made_results import SPREAD, make, paint_strips
from pages import Page

from degrade.benchmark.report import build_leaderboard
from degrade.benchmark.table import tabulate
from degrade.leaderboard.schema import Result, ResultError

pytest.importorskip("jinja2")


def test_the_leaderboard_has_a_page_for_each_task(results: list[Result], tmp_path: Path) -> None:
    for task in ("one-v1", "two-v1"):
        for result in results:
            moved = result.model_copy(update={"task": task})
            moved.save(tmp_path / "results" / task / f"{moved.id}.json")
    paint_strips(results, tmp_path / "results" / "two-v1" / "strips")
    written = build_leaderboard(tmp_path / "results", tmp_path / "site")
    assert [path.name for path in written[:4]] == ["index.html", "README.md", "one-v1.html", "two-v1.html"]
    assert [path.name for path in written[4:]] == [
        f"{name}.html" for name in ("good-scratch", "level", "even", "input")
    ]
    index = Page(written[0].read_text(encoding="utf-8"))
    assert {"one-v1.html", "two-v1.html"} <= {link["href"] for link in index.all("a")}
    assert len(index.all("table")) == 2
    assert "## one-v1" in written[1].read_text(encoding="utf-8")
    assert [len(Page(path.read_text(encoding="utf-8")).all("img")) for path in written[2:4]] == [0, 10]


def test_the_page_of_a_model_has_its_card_results_training_and_strips(results: list[Result], tmp_path: Path) -> None:
    for task, some in (("one-v1", results), ("two-v1", results[2:])):
        for result in some:
            moved = result.model_copy(update={"task": task})
            moved.save(tmp_path / "results" / task / f"{moved.id}.json")
    paint_strips(results, tmp_path / "results" / "two-v1" / "strips")
    build_leaderboard(tmp_path / "results", tmp_path / "site")
    pages = {path.stem: path.read_text("utf-8") for path in (tmp_path / "site" / "models").iterdir()}
    assert pages.keys() == {"good-scratch", "level", "even", "input"}
    good = Page(pages["good-scratch"])
    assert [[" ".join(cell.split()) for cell in row[:2]] for row in good.rows[1:3]] == [
        ["one-v1", "1 of 4by PSNR"],
        ["two-v1", "1 of 2by PSNR"],
    ]
    links = {link["href"] for link in good.all("a")}
    assert {"../index.html", "../one-v1.html#row-good-scratch", "../two-v1.html#row-good-scratch"} <= links
    assert pages["good-scratch"].count("<figcaption>Loss") == 2  # of each task
    assert "<figcaption>" not in pages["level"]
    shown = [image["alt"].split(",")[0] for image in good.all("img")]
    assert shown == ["input", "good (scratch)", "good (scratch)", "clean", "mask"]
    assert not Page(pages["even"]).all("img")  # it has no result where there are strips
    index = Page((tmp_path / "site" / "index.html").read_text("utf-8"))
    assert {f"models/{name}.html" for name in pages} <= {link["href"] for link in index.all("a")}


@pytest.mark.parametrize("name", ["x" * 5000, "映画" * 100, "a/b#c?d%e", "...", "a.b"])
def test_a_model_of_any_name_has_a_page(results: list[Result], tmp_path: Path, name: str) -> None:
    make(name, SPREAD.tolist()).save(tmp_path / "results" / "small-v1" / "one.json")
    *_, page = build_leaderboard(tmp_path / "results", tmp_path / "site")
    assert page.parent == tmp_path / "site" / "models"
    index = Page((tmp_path / "site" / "index.html").read_text("utf-8"))
    (link,) = [link["href"] for link in index.all("a") if link["href"].startswith("models/")]
    assert tmp_path / "site" / unquote(link) == page


def test_two_models_whose_files_would_have_one_name_share_no_table(results: list[Result]) -> None:
    with pytest.raises(ResultError, match=r"a\+b: its files would be named 'a_b', as those of a b are; keep one"):
        tabulate([make("a b", SPREAD.tolist()), make("a+b", SPREAD.tolist())])


def test_a_bad_file_leaves_the_last_good_pages(results: list[Result], tmp_path: Path) -> None:
    results[0].save(tmp_path / "results" / "small-v1" / "input.json")
    (index, *_) = build_leaderboard(tmp_path / "results", tmp_path / "site")
    before = index.read_bytes()
    (tmp_path / "results" / "small-v1" / "other.json").write_text("{")
    with pytest.raises(ResultError, match=r"other\.json: damaged"):
        build_leaderboard(tmp_path / "results", tmp_path / "site")
    assert index.read_bytes() == before
    odd = results[1].clips[0].model_copy(update={"metrics": {"psnrr": 1.0}})
    results[1].model_copy(update={"task": "zoo-v1", "clips": (odd,)}).save(tmp_path / "results/zoo-v1/odd.json")
    (tmp_path / "results" / "small-v1" / "other.json").unlink()
    results[2].save(tmp_path / "results" / "small-v1" / "level.json")
    with pytest.raises(ResultError, match=r"odd\.json: unknown metric 'psnrr'; did you mean 'psnr'"):
        build_leaderboard(tmp_path / "results", tmp_path / "site")
    assert not re.findall("level", (tmp_path / "site" / "small-v1.html").read_text("utf-8"))
    (tmp_path / "results" / "zoo-v1" / "odd.json").unlink()
    (tmp_path / "results" / "small-v1" / "level.json").unlink()
    (tmp_path / "results" / "small-v1").rename(tmp_path / "results" / "renamed-v1")
    with pytest.raises(ResultError, match=r"input\.json: is of task 'small-v1', not 'renamed-v1'"):
        build_leaderboard(tmp_path / "results", tmp_path / "site")


def test_an_empty_leaderboard_says_so(results: list[Result], tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="none: no folder of results"):
        build_leaderboard(tmp_path / "none", tmp_path / "site")
    (tmp_path / "results").mkdir()
    results[0].save(tmp_path / "results" / "input.json")  # not in the folder of its task
    with pytest.raises(ResultError, match=r"results: no <task>/\*\.json here"):
        build_leaderboard(tmp_path / "results", tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_the_published_results_build(tmp_path: Path) -> None:
    published = Path(__file__).parents[2] / "leaderboard"
    build_leaderboard(published / "results", tmp_path)
    assert (tmp_path / "README.md").read_text("utf-8") == (published / "README.md").read_text("utf-8")


def test_a_restorer_that_went_before_is_counted_and_named(results: list[Result], tmp_path: Path) -> None:
    first = results[0]
    before = first.model.model_copy(update={"name": "finder", "summary": "finds", "parameters": 330_000})
    both = first.model.model_copy(
        update={"name": "finder+good", "restorer": before, "summary": "colours", "parameters": 150_000}
    )
    restored = first.model_copy(update={"model": both})
    restored.save(tmp_path / "results" / restored.task / f"{restored.id}.json")
    build_leaderboard(tmp_path / "results", tmp_path / "site")
    page = (tmp_path / "site" / f"{restored.task}.html").read_text("utf-8")
    assert "finds; then colours" in page
    assert "finder+<wbr>good" in page
    assert "Restored before" in page
    assert tabulate([restored]).rows[0].parameters == "0.48"
