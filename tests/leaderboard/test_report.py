"""The table and the page made of results."""

import json
import re
from pathlib import Path

import pytest
from made_results import CLIPS, make, page_of, paint_strips

from degrade.benchmark._charts import Style, chart
from degrade.benchmark.breakdown import breakdowns
from degrade.benchmark.columns import Column
from degrade.benchmark.curves import curves
from degrade.benchmark.metrics import registry
from degrade.benchmark.report import build_report, markdown
from degrade.benchmark.table import tabulate
from degrade.core.errors import SpecError
from degrade.leaderboard.schema import Result, ResultError

pytest.importorskip("jinja2")


def test_rows_go_from_best_to_worst_and_ties_share_a_rank(results: list[Result]) -> None:
    table = tabulate(results)
    assert [row.result.model.name for row in table.rows] == ["good", "level", "even", "input"]
    assert [row.ranks["psnr"] for row in table.rows] == ["1", "=2", "=2", "4"]
    assert [row.ranks["e_warp"] for row in table.rows] == ["1", "=2", "=2", "4"]
    assert [row.cells["psnr"].best for row in table.rows] == [True, False, False, False]


def test_gains_are_against_the_best_baseline_and_positive_if_better(results: list[Result]) -> None:
    table = tabulate(results)
    assert table.baseline == "even"
    gains = {row.label: row.gain for row in table.rows}
    assert gains["even"] is None
    assert gains["good (scratch)"].mean == pytest.approx(5 + 0.1 / 30)
    assert [gains[name].clear for name in ("good (scratch)", "level", "input")] == [True, False, True]

    by_e_warp = [
        result.model_copy(
            update={
                "clips": tuple(
                    row.model_copy(update={"metrics": {"e_warp": row.metrics["e_warp"]}}) for row in result.clips
                )
            }
        )
        for result in results
    ]
    lower = {row.label: row.gain for row in tabulate(by_e_warp).rows}
    assert lower["good (scratch)"].mean == pytest.approx(5 + 0.1 / 30)
    assert lower["good (scratch)"].estimate.low < lower["good (scratch)"].mean < lower["good (scratch)"].estimate.high
    assert lower["input"].estimate.high < 0


def test_without_baselines_there_are_no_gains(results: list[Result]) -> None:
    text = markdown(tabulate(results[2:]))
    assert "gain" not in text


def test_the_markdown_table_is_rectangular_and_right(results: list[Result]) -> None:
    lines = [line.strip("|").split("|") for line in markdown(tabulate(results)).splitlines()]
    cells = [[cell.strip() for cell in line] for line in lines]
    assert len({len(line) for line in cells}) == 1
    assert cells[0][:5] == ["rank", "model", "PSNR ↑ (dB)", r"E\_warp ↓ (10⁻³)", "gain over even"]
    assert cells[1][:3] == ["--:", ":--", "--:"]
    assert [line[0] for line in cells[2:]] == ["1", "=2", "=2", "4", ""]
    assert [line[1] for line in cells[2:]] == ["good (scratch)", "level", "even", "input", "target"]
    mean, low, high = re.fullmatch(r"([\d.]+) \(([\d.]+) – ([\d.]+)\)", cells[4][2]).groups()
    assert float(low) < float(mean) == 25.5 < float(high)
    assert cells[2][-3:] == ["0.92", "0.5", "321"]
    assert cells[5][-3] == "–"  # nothing to learn
    assert cells[6][3].startswith("5.000")


def test_the_input_has_a_reference_row_only_without_a_result_of_its_own(results: list[Result]) -> None:
    assert list(tabulate(results).references) == ["target"]
    assert list(tabulate(results[1:]).references) == ["input", "target"]


def test_missing_scores_are_dashes_and_come_last_when_sorted(results: list[Result], tmp_path: Path) -> None:
    clips = [row.model_copy(update={"metrics": {"psnr": row.metrics["psnr"]}}) for row in results[1].clips]
    masks = [
        row.model_copy(update={"metrics": {**row.metrics, "mask_ap": None if k else 0.5}})
        for k, row in enumerate(results[2].clips)
    ]
    results[1] = results[1].model_copy(update={"clips": tuple(clips)})
    results[2] = results[2].model_copy(update={"clips": tuple(masks)})
    table = tabulate(results)
    rows = {row.label: row for row in table.rows}
    assert rows["even"].cells["e_warp"] is None
    assert rows["even"].ranks["e_warp"] == "–"
    assert rows["level"].cells["mask_ap"].note == "defined for 1 of 6 clips"
    assert rows["level"].cells["mask_ap"].interval == ""  # one clip says nothing about the spread
    _, page = page_of(results, tmp_path)
    even = next(row for row in page.rows if row[1:] and row[1] == "even")
    assert even[4].strip() == "–"
    assert {"data-value": ""} in page.all("td")


def test_a_metric_that_nobody_has_gets_no_column(results: list[Result]) -> None:
    empty = make("none", [float("nan")] * 6)
    with pytest.raises(ResultError, match="small-v1: the results hold no scores"):
        tabulate([empty])
    assert [column.name for column in tabulate([*results, empty]).columns] == ["psnr", "e_warp"]


def test_one_clip_has_a_mean_and_no_interval(results: list[Result], tmp_path: Path) -> None:
    single = [result.model_copy(update={"clips": result.clips[:1]}) for result in results]
    table = tabulate(single)
    assert {row.ranks["psnr"] for row in table.rows} == {"=1"}
    assert [row.cells["psnr"].interval for row in table.rows] == ["", "", "", ""]
    text, page = page_of(single, tmp_path)
    assert not re.findall(r"\bnan\b", text)
    assert [row[2].strip() for row in page.rows[1:5]] == ["28.10", "23.50", "23.00", "18.00"]


def test_clips_of_one_sequence_are_drawn_together(results: list[Result], tmp_path: Path) -> None:
    """The first and the last three clips are of one film each: neither film alone tells `level` from `input`."""
    films = ["a", "a", "a", "b", "b", "b"]
    joint = [
        result.model_copy(update={"clips": tuple(
            row.model_copy(update={"sequence": film}) for row, film in zip(result.clips, films, strict=True)
        )})
        for result in results
    ]  # fmt: skip
    (one, two) = (
        next(row.cells["psnr"] for row in tabulate(them).rows if row.label == "even") for them in (results, joint)
    )
    assert one.mean == two.mean
    assert (two.estimate.low, two.estimate.high) == pytest.approx((24, 27))  # the means of the films
    assert one.estimate.low != two.estimate.low
    assert "draw whole sequences, here 2: too few" in page_of(joint, tmp_path)[0]


def test_unknown_metrics_and_no_results_are_one_line(results: list[Result], tmp_path: Path) -> None:
    clips = [row.model_copy(update={"metrics": {"psnrr": 1.0}}) for row in results[0].clips]
    with pytest.raises(SpecError, match="unknown metric 'psnrr'; did you mean 'psnr'"):
        tabulate([results[0].model_copy(update={"clips": tuple(clips)})])
    with pytest.raises(ResultError, match="no results"):
        build_report([], None, tmp_path / "page.html")


def test_the_page_refuses_mixed_data(results: list[Result], tmp_path: Path) -> None:
    other = results[1].model_copy(update={"data_sha256": "d" * 64})
    with pytest.raises(ResultError, match=f"even: data_sha256 is {'d' * 64}, but {'b' * 64} in input"):
        build_report([results[0], other], None, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_cells_carry_what_the_page_sorts_by(results: list[Result], tmp_path: Path) -> None:
    text, page = page_of(results, tmp_path)
    heads = [head for head in page.all("th") if head.get("data-metric")]
    assert [(head["data-metric"], head["data-first"]) for head in heads[:2]] == [
        ("psnr", "descending"),
        ("e_warp", "ascending"),
    ]
    assert [head.get("aria-sort") for head in heads[:2]] == ["descending", None]
    ranks = [cell["data-ranks"] for cell in page.all("td") if "data-ranks" in cell]
    assert ranks[1] == '{"e_warp": "=2", "psnr": "=2"}'
    values = re.findall(r'<td data-value="([\d.]+)"', text)
    assert float(values[0]) == pytest.approx(30.5 + 0.1 / 30)
    assert all(head.get("scope") for head in page.all("th"))


@pytest.mark.parametrize("where", ["name", "title", "summary", "paper", "licence", "weights"])
def test_what_authors_write_is_escaped(results: list[Result], tmp_path: Path, where: str) -> None:
    attack = "\"'><script>alert(1)</script>|![x](http://evil)"
    _, clean = page_of(results, tmp_path)
    facts = {**results[3].model.model_dump(), where: attack}
    training = {"steps": 1, "seconds": 1, "recipe": {attack: attack}, "curve": [{"step": 1, "loss": 1.0}]}
    clips = [{**row.model_dump(), "clip": f"{row.clip}{attack}", "damage": [attack]} for row in results[3].clips]
    bad = Result(**{**results[3].model_dump(), "model": facts, "training": training, "clips": clips})
    text, page = page_of([bad], tmp_path, about=attack)
    assert attack not in text
    assert len(page.all("script")) == len(clean.all("script")) == 1
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    table = markdown(tabulate([bad]))
    assert "<script>" not in table.replace(r"\<", "")
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_a_page_loads_nothing_from_elsewhere(results: list[Result], tmp_path: Path) -> None:
    strips = tmp_path / "strips"
    paint_strips(results, strips)
    text, page = page_of(results, tmp_path, strips)
    loads = [attrs[key] for _, attrs in page.tags for key in ("src", "srcset", "href", "action") if key in attrs]
    assert len(loads) > 5
    assert all(load.startswith(("data:", "#")) for load in loads)
    assert not re.findall(r"https?:|url\(|@import|fetch\(", text)
    assert "default-src 'none'" in page.all("meta")[2]["content"]


def test_scores_of_a_kind_of_damage_are_averaged_over_the_clips_that_have_it(
    results: list[Result], tmp_path: Path
) -> None:
    _, page = page_of(results, tmp_path)
    head = next(place for place, row in enumerate(page.rows) if any(cell.startswith("dust") for cell in row))
    assert [" ".join(cell.split()) for cell in page.rows[head][1:]] == ["dust4 clips", "noise3 clips"]
    even = next(row for row in page.rows[head:] if row[0].strip() == "even")
    # Dust is in clips 0, 1, 3 and 5, noise in 1, 2 and 3.
    assert [cell.strip() for cell in even[1:]] == ["25.25", "20.00"]


def test_results_without_kinds_of_damage_have_no_table_of_them(results: list[Result], tmp_path: Path) -> None:
    plain = [
        result.model_copy(update={"clips": tuple(clip.model_copy(update={"kinds": {}}) for clip in result.clips)})
        for result in results
    ]
    text, _ = page_of(plain, tmp_path)
    assert "By damage" not in text


def test_the_licence_of_others_weights_stands_beside_that_of_the_code(results: list[Result], tmp_path: Path) -> None:
    licences = {"licence": "Apache-2.0", "weights": "netG.pth", "weights_licence": "academic use only"}
    model = {**results[3].model.model_dump(), **licences}
    text, _ = page_of([Result(**{**results[3].model_dump(), "model": model})], tmp_path)
    assert "<dt>Licence</dt><dd>Apache-2.0</dd><dt>Weights</dt><dd>netG.pth</dd>" in text
    assert "<dt>Their licence</dt><dd>academic use only</dd>" in text


def test_charts_show_every_clip_and_the_training(results: list[Result], tmp_path: Path) -> None:
    _, page = page_of(results, tmp_path)
    charts = [svg for svg in page.all("svg") if svg.get("class") == "chart"]
    assert len(charts) == len(CLIPS) + 2
    lines = [path for path in page.all("path") if "data-series" in path]
    assert len(lines) == len(CLIPS) * len(results) + 2
    # The first and the last frame lie on the left and the right edge; the later frame, 2 dB better, higher up.
    (x, y), (right, up) = (map(float, point.split()) for point in lines[0]["d"].strip("M").split("L"))
    assert (x, right) == (42, 384)
    assert up < y


def test_columns_are_grouped_by_what_they_are_about(results: list[Result]) -> None:
    table = tabulate(results)
    assert list(table.groups) == ["Picture quality", "Over time", "Cost"]
    assert table.groups["Picture quality"] == {"psnr": "PSNR", "gain": "Gain"}
    assert table.by_importance == ["psnr", "gain", "e_warp", "parameters", "time", "memory"]
    about = {
        name: Column(name, registry.get(name)).group for name in ("mask_ap", "psnr_inside", "tof", "psnr_ab", "lpips")
    }
    assert list(about.values()) == ["Damage", "Damage", "Over time", "Colour", "Picture quality"]


def test_the_heat_of_a_kind_of_damage_goes_from_its_worst_model_to_its_best(results: list[Result]) -> None:
    parts = {part.column.name: part for part in breakdowns(tabulate(results))}
    heats = {row.label: [mean.heat for mean in means] for row, means in parts["psnr"].rows}
    assert heats["good (scratch)"] == [100, 100]
    assert heats["input"] == [0, 0]
    assert all(40 < heat < 60 for heat in heats["even"])
    alone = breakdowns(tabulate(results[:1]))
    assert [mean.heat for _, means in alone[0].rows for mean in means] == [0, 0]


def test_the_same_results_make_the_same_page(results: list[Result], tmp_path: Path) -> None:
    first, _ = page_of(results, tmp_path)
    again, _ = page_of(results, tmp_path)
    assert first == again


def test_scores_are_drawn_over_the_severities_of_a_task(results: list[Result], tmp_path: Path) -> None:
    severities = [0.0, 0.5, 1.0, 0.0, 0.5, 1.0]
    several = [
        result.model_copy(update={"clips": tuple(
            clip.model_copy(update={"severity": at}) for clip, at in zip(result.clips, severities, strict=True)
        )})
        for result in results
    ]  # fmt: skip
    (section, *_) = curves(tabulate(several))
    assert (section.id, [chart.title for chart in section.charts]) == ("severity", ["PSNR", "E_warp"])
    assert [text for _, text in section.charts[0].x_ticks] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    even = next(line for line in section.charts[0].lines if line.label == "even")
    # Means of clips 0 and 3, 1 and 4, 2 and 5: 24.5, 25.5 and 26.5; they lie on a line.
    points = [tuple(map(float, point.split())) for point in even.path.strip("M").split("L")]
    assert [x for x, _ in points] == pytest.approx([42, 213, 384])
    assert points[0][1] - points[1][1] == pytest.approx(points[1][1] - points[2][1], abs=0.2)
    assert "Over the severity" in page_of(several, tmp_path)[0]
    assert all(section.id != "severity" for section in curves(tabulate(results)))


def test_ticks_are_whole_where_steps_are_counted_and_only_there() -> None:
    style = Style(0, "s0")
    counted = chart("", [("a", style, [(1.0, 1.0), (2.0, 2.0)])], "frame", "")
    severities = chart("", [("a", style, [(0.0, 1.0), (0.25, 2.0), (1.5, 2.0)])], "severity", "")
    assert [text for _, text in counted.x_ticks] == ["1", "2"]
    assert [text for _, text in severities.x_ticks] == ["0", "0.5", "1", "1.5"]


def test_a_page_knows_the_difference_of_every_two_models(results: list[Result], tmp_path: Path) -> None:
    results[0] = results[0].model_copy(update={"model": results[0].model.model_copy(update={"true_masks": True})})
    _, page = page_of(results, tmp_path)
    (section,) = [attrs for attrs in page.all("section") if attrs.get("id") == "compare"]
    found = json.loads(section["data-differences"])
    assert found.keys() == {"psnr", "e_warp"}
    assert len(found["psnr"]["pairs"]) == 6  # those without a rank are compared, too
    mean, low, high = found["psnr"]["pairs"]["good-scratch level"]
    assert mean == pytest.approx(5, abs=0.1)
    assert low < mean < high
    assert found["e_warp"]["pairs"]["good-scratch level"][0] == pytest.approx(-mean, abs=1e-3)
    assert (found["psnr"]["higher"], found["e_warp"]["higher"]) == (True, False)
