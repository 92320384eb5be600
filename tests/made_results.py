"""Results that are made up, and the page of them."""

from pathlib import Path
from typing import Any

import numpy as np
from pages import Page

from degrade.benchmark.report import build_report
from degrade.benchmark.strips import save_strips
from degrade.leaderboard.schema import Result

CLIPS = [f"clip{k}" for k in range(6)]
DAMAGE = [["dust"], ["dust", "noise"], ["noise"], ["dust", "noise"], [], ["dust"]]
SPREAD = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0])


def make(name: str, psnr: list[float], *, model: dict[str, Any] | None = None, **extra: Any) -> Result:
    """A result with these PSNRs, and E_warp 50 − PSNR."""
    scores = [{"psnr": p, "e_warp": 50 - p} for p in psnr]
    clips = [
        {
            "clip": clip,
            "sequence": clip,
            "damage": damage,
            "metrics": score,
            "psnr_over_time": [score["psnr"] - 1, score["psnr"] + 1],
            "references": {"input": {"e_warp": 30.0}, "target": {"e_warp": 5.0}},
            "kinds": {kind: {"psnr": score["psnr"] - 5 * (kind == "noise")} for kind in damage},
        }
        for clip, damage, score in zip(CLIPS, DAMAGE, scores, strict=True)
    ]
    facts: dict[str, Any] = {
        "task": "small-v1",
        "task_sha256": "a" * 64,
        "data_sha256": "b" * 64,
        "model": {"name": name, **(model or {})},
        "clips": clips,
        "run": {"device": "cpu", "seconds": 1, "seconds_per_frame": 0.5, "peak_memory_mib": 321.4},
    }
    return Result(**{**facts, **extra})


def page_of(results: list[Result], folder: Path, strips: Path | None = None, about: str = "") -> tuple[str, Page]:
    build_report(results, strips, folder / "page.html", about=about)
    text = (folder / "page.html").read_text(encoding="utf-8")
    return text, Page(text)


def paint_strips(results: list[Result], folder: Path, channels: int = 1) -> None:
    clean = np.full((3, 200, 100, channels), 0.5, np.float32)
    mask = np.zeros((3, 200, 100, 1), np.float32)
    for result in results:
        save_strips(folder / "clip0", result.id, clean * 0.5, clean * 0.9, clean, mask)
