"""Results of strangers: shown, or refused in one line that names the file; nothing in them runs."""

import copy
import json
import random
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from degrade.benchmark._charts import Style, chart
from degrade.benchmark.report import build_leaderboard
from degrade.core.errors import DegradeError
from degrade.leaderboard.schema import ResultError, load

pytest.importorskip("jinja2")
PUBLISHED = Path(__file__).parents[2] / "leaderboard/results/quick-v4"


@pytest.fixture
def trained() -> dict[str, Any]:
    """A published result with a training curve, cut to two clips."""
    content: dict[str, Any] = json.loads((PUBLISHED / "rtn-scratch.json").read_text("utf-8"))
    content["clips"] = content["clips"][:2]
    return content


def report(folder: Path, content: Any, task: str = "quick-v4") -> str:
    """The overview and the page of one result."""
    path = folder / "results" / task / "one.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    written = build_leaderboard(folder / "results", folder / "site")
    return "".join(page.read_text("utf-8") for page in written)


@pytest.mark.parametrize("task", ["javascript:alert(1)", "a#b", "a b", "..", ".hidden", "a%2Fb", "é", "a\n", "x" * 101])
def test_a_task_that_is_no_plain_name_is_refused(trained: dict[str, Any], tmp_path: Path, task: str) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps({**trained, "task": task}))
    with pytest.raises(ResultError, match=r"one\.json: task: ") as error:
        load(path)
    assert "\n" not in str(error.value)


def test_a_page_never_takes_the_place_of_the_overview(trained: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"one\.json: its page would be the overview, index\.html"):
        report(tmp_path, {**trained, "task": "index"}, "index")


@pytest.mark.parametrize("clip", ["../../secret", "/etc", "a/../../b", "..\\x"])
def test_a_clip_cannot_show_pictures_from_elsewhere(trained: dict[str, Any], tmp_path: Path, clip: str) -> None:
    trained["clips"][0]["clip"] = clip
    with pytest.raises(ResultError, match=r"one\.json: clips\[0\]\.clip: .* leads out of the folder of strips"):
        report(tmp_path, trained)


def losses(*values: float) -> Callable[[dict[str, Any]], object]:
    curve = [{"step": step, "loss": value} for step, value in enumerate(values)]
    return lambda content: content["training"].update(curve=curve)


@pytest.mark.parametrize(
    "change",
    [
        losses(1e308, -1e308),
        losses(1e308, 0.5),
        losses(5e-324, 0.0),
        losses(1e-320, 2e-320),
        losses(1e300, 1e300 * (1 + 1e-15)),
        losses(3e-15, 1e-15),
    ],
)
def test_losses_of_any_size_are_drawn(
    trained: dict[str, Any], tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    change(trained)
    page = report(tmp_path, trained)
    assert "<figcaption>Loss" in page
    assert not {"nan", "inf"} & set(page.replace('"', " ").replace("L", " ").split())


def test_ticks_of_tiny_numbers_are_told_apart() -> None:
    drawn = chart("t", [("a", Style(0, "s0"), [(0, 1e-15), (1, 3e-15)])], "x", "y")
    assert [text for _, text in drawn.y_ticks][:4] == ["1e-15", "1.5e-15", "2e-15", "2.5e-15"]


DEEP = 100_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * DEEP, "nested too deeply"),
        ('{"a":' * DEEP, "nested too deeply"),
        ('{"schema_version": 2, "task": ' + "9" * 5000 + "}", "damaged, not JSON"),
    ],
)
def test_nesting_and_digits_without_end_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ResultError, match=rf"one\.json: .*{message}"):
        report(tmp_path, text)


@pytest.mark.parametrize("depth", [98, 99, 300, 900])
def test_settings_are_nested_within_bounds(trained: dict[str, Any], tmp_path: Path, depth: int) -> None:
    trained["model"]["config"] = json.loads('{"a":' * depth + "1" + "}" * depth)
    with pytest.raises(ResultError, match=r"one\.json: damaged, nested too") if depth > 98 else nullcontext():
        report(tmp_path, trained)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["training"]["curve"][-1].update(step=10**400),
        lambda content: content["training"].update(steps=10**400),
        lambda content: content["model"].update(parameters=10**400),
        lambda content: content["run"].update(seconds=1e308),
        lambda content: content["clips"][0]["metrics"].update(psnr=1e308),
        lambda content: content["clips"][0].update(psnr_over_time=[-1e308]),
    ],
)
def test_numbers_beyond_all_measure_are_one_line(
    trained: dict[str, Any], tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    change(trained)
    with pytest.raises(ResultError, match=r"one\.json: .* should be less than or equal|greater than or equal") as error:
        report(tmp_path, trained)
    assert len(str(error.value).removeprefix(str(tmp_path))) < 300


ODD: list[Any] = [
    None, True, 0, -1, 1, 2**63, 10**400, 0.0, -0.0, 1e308, -1e308, 5e-324, 1e12, "", "x", " ", "\ud800", "\u2028",
    "a\nb",
    "<script>alert(1)</script>", '" onload="alert(1)', "javascript:alert(1)", "../..", "x" * 5000, "{{7*7}}", "٣",
    [], {}, [[]], [None], {"": {}}, {"\ud800": 1}, ["a", 1], {"psnr": 1.0}, {"psnr": None},
]  # fmt: skip


def mutate(content: Any, rng: random.Random) -> Any:
    """A copy with one to three values, keys or entries changed."""
    content = copy.deepcopy(content)
    for _ in range(rng.randint(1, 3)):
        here, path = content, []
        while isinstance(here, dict | list) and here and (not path or rng.random() < 0.8):
            key = rng.choice(list(here) if isinstance(here, dict) else range(len(here)))
            path.append((here, key))
            here = here[key]
        holder, key = path[-1]
        kind = rng.randrange(5)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[rng.choice(["", "x", "psnr", "\ud800", "<b>", "e_warp", "input"])] = holder.pop(key)
        elif kind == 2 and isinstance(holder, list):
            holder.insert(0, copy.deepcopy(holder[key]))
        else:
            holder[key] = copy.deepcopy(rng.choice(ODD))
        if not content:
            return content
    return content


def rewrite(content: Any, rng: random.Random) -> Any:
    """A copy whose free fields, a few of them, hold what a stranger may write there."""
    content = copy.deepcopy(content)
    model, training = content["model"], content["training"]
    word, value = rng.choice([one for one in ODD if isinstance(one, str)]), rng.choice(ODD)
    number = rng.choice([0.0, -0.0, 1e12, -1e12, 5e-324, 1e-300, 1.0, None])
    clip, point = rng.choice(content["clips"]), {"step": rng.randrange(10**12), "loss": rng.uniform(-1, 1) * 1e308}
    changes = [
        lambda: model.update({rng.choice(["title", "summary", "paper", "licence", "weights_licence"]): word}),
        lambda: model.update(config={word: value}),
        lambda: content["run"].update(device=word, versions={word: word}),
        lambda: training.update(recipe={word: value}),
        lambda: training["curve"].append(point),
        lambda: training["curve"][0].update(loss=number, psnr=number),
        lambda: clip["metrics"].update({rng.choice(list(clip["metrics"])): number}),
        lambda: clip.update(damage=[word, "dust"], psnr_over_time=[number, 30.0]),
        lambda: clip.update(references={word: {"psnr": number}}),
    ]
    for change in rng.sample(changes, rng.randint(1, 4)):
        change()
    return content


def damage(text: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, cut out or doubled."""
    data = bytearray(text)
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(data))
        stop = min(len(data), start + rng.randint(1, 40))
        match rng.randrange(3):
            case 0:
                data[start] = rng.randrange(256)
            case 1:
                del data[start:stop]
            case _:
                data[start:start] = data[start:stop]
    return bytes(data)


@pytest.mark.parametrize("count", [60, pytest.param(1500, marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("error")
def test_mutated_results(trained: dict[str, Any], tmp_path: Path, count: int) -> None:
    rng, refused = random.Random(7), 0
    baseline = json.loads((PUBLISHED / "median.json").read_text("utf-8"))
    baseline["clips"] = baseline["clips"][:2]
    folder = tmp_path / "results/quick-v4"
    folder.mkdir(parents=True)
    (folder / "good.json").write_text(json.dumps(baseline))
    for case in range(count):
        kind = rng.choice([mutate, rewrite, rewrite, None])
        text = json.dumps(kind(trained, rng)).encode() if kind else damage(json.dumps(trained).encode(), rng)
        (folder / "odd.json").write_bytes(text)
        try:
            build_leaderboard(tmp_path / "results", tmp_path / "site")
        except DegradeError as error:
            refused += 1
            line = str(error)
            assert "\n" not in line, case
            assert len(line.replace(str(folder), "")) < 600, case
            assert "odd.json" in line, case
        except Exception as error:
            raise AssertionError(f"case {case}: {text[:300]!r}") from error
        else:
            page = (tmp_path / "site/quick-v4.html").read_text("utf-8")
            assert "<script>alert" not in page
            assert '" onload="' not in page
            assert 'href="javascript' not in page
    print(f"{count} results tried, {refused} refused in one line, 0 failed")
    assert 0 < refused < count
