"""Where the ranges of `film-web` come from, and how near such ranges come to a film that they were not taken from.

    python tools/film_web.py --data DATA        # ten minutes

DATA holds ``films`` (folders of frames of damaged film) and ``clips`` (clean footage), as for docs/realism.py. Each
film is matched, and a range goes from the lowest of the specs' to the highest, as the middles of their ranges are:
these are printed. Then a film is left out at a time: by how many flat patches judges that know neither the film nor
the clips tell it from the preset with the ranges of the others.
"""

import argparse
import copy
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from degrade import presets
from degrade.core.errors import DegradeError
from degrade.match import match
from degrade.measure._judge import features, told_apart
from degrade.ops.pipeline import Pipeline

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
from realism import by_film, damaged, flattest, lacking, read, table

RANGES = {
    "lens": ("sigma",),
    "tone_curve": ("contrast", "middle"),
    "veil": ("density",),
    "base": ("density",),
    "spatial_flicker": ("std", "correlation"),
    "dust": ("per_frame", "size", "opacity", "light", "stretch"),
    "rain": ("per_frame", "opacity"),
    "scan": ("sigma",),
}
"""Parameters that are set, by the op's id; flicker and weave, in which scene and camera have a share, are those of
film-medium. What a film's spec leaves out has nothing of it: 0."""
WITHIN = ("opacity", "light")
"""Those that differ within a film: the whole of its specs' ranges."""
GRAINS = {"round_grain": (0, 1.8), "long_grain": (1.8, np.inf)}
"""Grain is that of the films whose clumps are as much longer than wide, in the mean."""
SEEDS = (1, 2, 3)

Ops = list[dict[str, dict[str, Any]]]


def named(ops: Ops) -> Iterator[tuple[str, dict[str, Any]]]:
    """Ids and parameters of ops, and of those within them."""
    for op in ops:
        for name, parameters in op.items():
            yield parameters.get("id", name), parameters
            yield from named(parameters.get("ops", []))


def spanning(preset: Ops, films: Sequence[Ops]) -> Ops:
    """The preset with ranges that hold those of the films' specs."""
    preset = copy.deepcopy(preset)
    ops, specs = dict(named(preset)), [dict(named(film)) for film in films]
    for name, parameters in RANGES.items():
        for parameter in parameters:
            set_to = [np.ravel(spec.get(name, {}).get(parameter, 0)) for spec in specs]
            values = np.concatenate(set_to) if parameter in WITHIN else np.array([one.mean() for one in set_to])
            ops[name][parameter] = [shortened(values.min()), shortened(values.max())]
    for name, (low, high) in GRAINS.items():
        grains = [spec["mottled_grain"] for spec in specs if low <= spec["mottled_grain"]["stretch"] < high]
        for parameter in ("sigma", "power"):
            mean = np.mean([grain[parameter] for grain in grains], 0)
            ops[name][parameter] = [shortened(value) for value in mean]
        ops[name]["stretch"] = shortened(np.mean([grain["stretch"] for grain in grains]))
    return preset


def shortened(value: float) -> float:
    """To two digits."""
    return float(f"{value:.2g}")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="films and clips")
    data = parser.parse_args().data
    if problem := lacking(data, "films", "clips"):
        print(problem, file=sys.stderr)
        return 2
    preset = yaml.safe_load((Path(presets.__file__).parent / "film-web.yaml").read_text())
    folders = sorted(folder for folder in (data / "films").iterdir() if folder.is_dir())
    films = {folder: clips[0] for folder in folders if (clips := read(folder))}
    specs = [yaml.safe_load(match(folder, data / "clips").text)["pipeline"] for folder in films]
    print(yaml.safe_dump(spanning(preset, specs), sort_keys=False, default_flow_style=None, width=120))

    clean, shares = read(data / "clips", 24), []
    real = [features(patches) for patches in flattest(list(films.values()))]
    for k in range(len(films)):
        pipeline = Pipeline(ops=spanning(preset, specs[:k] + specs[k + 1 :]))
        made = [flattest(damaged(pipeline, clean, seed)) for seed in SEEDS]
        told = [by_film(told_apart(real, [features(patches) for patches in one]))[k] for one in made]
        shares.append([np.mean(told), *told])
    rows = zip([*(folder.name for folder in films), "all"], [*shares, np.mean(shares, 0)], strict=True)
    head = ["told from ranges of the others", "mean", *(f"seed {seed}" for seed in SEEDS)]
    print(table(head, [[name, *(f"{share:.0%}" for share in row)] for name, row in rows]))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DegradeError as error:
        sys.exit(f"error: {error}")
