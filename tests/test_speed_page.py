"""The pages that `tools/speed.py` puts its figures into."""

import importlib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(name="speed")
def _speed(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("speed")


def test_every_table_has_its_place_and_keeps_it(speed: Any) -> None:
    made = {name: f"| | {name} |\n| --- | --: |\n| `rtn-code` | 1 |\n| `vhs` | 2 |" for name in speed.TABLES}
    made["machine"] = "A machine."
    pages = [path.read_text("utf-8") for path in speed.PAGES]
    filled = [speed.filled(page, made, some=some) for page, some in zip(pages, (True, False), strict=True)]
    for page, now, some in zip(pages, filled, (True, False), strict=True):
        assert now.count("<!-- speed: ") == page.count("<!-- speed: ") > 0
        assert speed.filled(now, made, some=some) == now
    assert all(made[name].splitlines()[0] in filled[1] for name in made)
    assert "| `rtn-code` | 1 |" in filled[0]
    assert "| `vhs` | 2 |" not in filled[0], "the README has some presets"
    assert filled[1].count("| `vhs` | 2 |") == len(speed.TABLES), "the page has all rows, new ones too"
    assert speed.filled(pages[1], {}, some=False) == pages[1]


def test_what_is_timed_by_turns_is_compared_clip_by_clip(speed: Any) -> None:
    order = []
    times = speed.by_turns(
        {"a": lambda clip: order.append(("a", clip)), "b": lambda clip: order.append(("b", clip))}, 2
    )
    assert order == [(name, clip) for clip in range(2) for _ in range(2) for name in "ab"]
    assert {name: len(taken) for name, taken in times.items()} == {"a": 2, "b": 2}
    assert speed.ratios([4, 9], [2, 3]) == [2, 3]
    assert speed.spread([2, 3, 250.4], " ×") == "3.0 × (2.0–250)"
