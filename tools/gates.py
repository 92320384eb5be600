"""RTN's gates, unrestrained, each with and without the mask loss, trained for the same budget and scored: one table.

    python tools/gates.py                                         # quick-v4: eight trainings, minutes each
    python tools/gates.py --task clips-v2 --data ~/clips --out runs/gates-clips
    python tools/gates.py --set train.steps=3000 --set train.loss.damage=0.3 --out runs/gates-long

Each leaves a folder in `--out` as `benchmark run` does. What is there already is not made again; what was broken off
goes on.
"""

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pandas as pd
import torch

from degrade.benchmark.entries import Entry
from degrade.benchmark.run import run
from degrade.benchmark.statistics import interval
from degrade.benchmark.task import Task, load_task
from degrade.leaderboard.schema import Result, load
from degrade.models._gates import GATES

COLUMNS = {"psnr": "PSNR, dB", "psnr_inside": "inside, dB", "mask_ap": "AP"}
MASK_LOSS = 0.05
"""Weight of the mask loss where nothing is said."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="quick-v4", help="a name of `benchmark ls`, or a task's file")
    parser.add_argument("--data", help="footage, where the task brings none")
    parser.add_argument("--out", type=Path, default=Path("runs/gates"))
    parser.add_argument("--mask", type=float, default=MASK_LOSS, help="weight of the mask loss where it is on")
    parser.add_argument("--gates", nargs="+", choices=list(GATES), default=list(GATES))
    parser.add_argument(
        "--set", action="append", default=[], help="train.key=value, for all of them", metavar="KEY=VALUE"
    )
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print("| gate | mask loss |", *(f"{title} |" for title in COLUMNS.values()), "minutes |")
    print("| --- | --- |", *("--: |" for _ in COLUMNS), "--: |")
    for gate, weight in product(args.gates, (0.0, args.mask)):
        folder = args.out / f"{gate}{'-mask' if weight else ''}"
        task = variant(args.task, args.data, gate, weight, args.set)
        (path,), _ = run(task, [Entry("rtn", "scratch")], folder, device=args.device, workers=args.workers, resume=True)
        print(row(gate, weight, load(path)), flush=True)


def variant(name: str, data: str | None, gate: str, weight: float, changes: Sequence[str]) -> Task:
    """The task with this gate and this weight of the mask loss, and without what the table does not show."""
    own = (f"train.config.rtn.gate={gate}", "train.config.rtn.restrained=false", f"train.loss.mask={weight}")
    task = load_task(name, (*changes, *own), data)
    return task.model_copy(update={"metrics": tuple(COLUMNS), "baselines": ()})


def row(gate: str, weight: float, result: Result) -> str:
    """A line of the table: means over the clips, with what holds 95% of them if the sequences were drawn anew."""
    assert result.training is not None
    cells = []
    for metric, title in COLUMNS.items():
        values = pd.Series([c.metrics.get(metric) for c in result.clips], [c.sequence for c in result.clips], float)
        mean, low, high = interval(values)
        digits = 2 if title.endswith("dB") else 3
        cells.append(f"{mean:.{digits}f} ({low:.{digits}f} – {high:.{digits}f})")
    return f"| `{gate}` | {weight or '–'} | {' | '.join(cells)} | {result.training.seconds / 60:.0f} |"


if __name__ == "__main__":
    main()
