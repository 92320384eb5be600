"""How fast RTN is here, against the same network written plainly with RAFT, as its authors released it.

    python tools/model_speed.py                 # 7×128×128, 7×256×256 and 10×368×640
    python tools/model_speed.py 7x128x128 --train
    python tools/model_speed.py --restore       # all models that restore, at 368×640

Both are timed in one run, alternating, with random weights; the least of the repetitions counts. With
`--threads 1` it is processor time, which other work on the machine hardly disturbs.
"""

import argparse
import importlib.util
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torchvision.models.optical_flow import raft_large

from degrade.core.flow import dis_flow
from degrade.models import build, bundled, models
from degrade.models.base import RestorationModel
from degrade.sources import open_source

LONG = 10
"""Seconds after which a model is not run again to see how long it takes."""


def load_plain():
    path = Path(__file__).resolve().parents[1] / "tests/models/reference_rtn.py"
    spec = importlib.util.spec_from_file_location("reference_rtn", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seconds(call: Callable[[], object]) -> float:
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    call()
    return clock() - start


def race(repeat: int, **calls: Callable[[], object]) -> dict[str, float]:
    """The least time of each, taken in turns so that all meet the same load."""
    rounds = [{name: seconds(call) for name, call in calls.items()} for _ in range(repeat)]
    return {name: min(times[name] for times in rounds) for name in calls}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", default=["7x128x128", "7x256x256", "10x368x640"])
    parser.add_argument("--train", action="store_true", help="time a training step in place of inference")
    parser.add_argument("--restore", action="store_true", help="time restoring by every model, and its optical flow")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    if args.restore:
        return restore(args.repeat)
    plain = load_plain()
    state, model = plain.random_state(), build("rtn").eval()
    raft = raft_large(weights=None).eval()
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {args.threads} threads")
    for size in args.sizes:
        length, height, width = map(int, size.split("x"))
        frames = torch.rand(1, length, 3, height, width)
        flows = model.flow(frames)
        if args.train:
            train(model, state, plain, frames, flows, args.repeat, size)
            continue
        with torch.no_grad():
            model(frames)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            times = race(
                args.repeat,
                ours=lambda: model(frames, flows),  # noqa: B023 - called before the loop goes on
                plain=lambda: plain.network(state, 2 * frames - 1, *flows),  # noqa: B023
                dis=lambda: model.flow(frames),  # noqa: B023
            )
            raft_time = seconds(lambda: plain.raft_flows(raft, frames))  # noqa: B023
        whole, released = times["ours"] + times["dis"], times["plain"] + raft_time
        print(
            f"{size}: network {times['ours']:.2f} s, plain {times['plain']:.2f} s, "
            f"{times['plain'] / times['ours']:.2f} times; "
            f"DIS {times['dis']:.2f} s, RAFT {raft_time:.1f} s; "
            f"whole {whole:.2f} s against {released:.1f} s, {released / whole:.1f} times; peak so far {peak:.2f} GiB",
            flush=True,
        )


def restore(repeat: int, height: int = 368, width: int = 640) -> None:
    """Frames a second of each model on ten frames at once, or one, with its bundled weights if it has any."""
    spent = 0.0

    def timed(*given):
        nonlocal spent
        start = time.perf_counter()
        flow = dis_flow(*given)
        spent += time.perf_counter() - start
        return flow

    restoring = [name for name in models.names() if issubclass(models.get(name), RestorationModel)]
    built = {name: build(name, bundled(name)).eval() for name in restoring}
    for module in [module for module in sys.modules.values() if getattr(module, "dis_flow", None) is dis_flow]:
        if module.__name__.startswith("degrade.models"):
            module.dis_flow = timed
    source = open_source(f"builtin:stills?count=1&frames=10&height={height}&width={width}")
    film = torch.from_numpy(source.read(source.sequences()[0], 0, 10)).permute(0, 3, 1, 2)[None] / 255
    print("| model | parameters | frames at once | frames a second | of the time optical flow |\n|---|--:|--:|--:|--:|")
    for name, model in built.items():
        frames = film[:, : min(model.card.window, 10)]
        rounds: list[tuple[float, float]] = []
        with torch.no_grad():
            model(frames[..., :64, :64])
            while len(rounds) < repeat and sum(took for took, _ in rounds) < LONG:
                spent = 0.0
                rounds.append((seconds(lambda: model(frames)), spent))  # noqa: B023
        took, flow = min(rounds)
        count = sum(p.numel() for p in model.parameters())
        row = f"{count / 1e6:.2f} M" if count else "", frames.shape[1], f"{frames.shape[1] / took:.2g}"
        print(f"| `{name}` | {' | '.join(map(str, row))} | {flow / took:.0%} |", flush=True)


def train(model, state, plain, frames, flows, repeat: int, size: str) -> None:
    """Forward and backward with flows given."""
    state = {name: value.clone().requires_grad_() for name, value in state.items()}
    times = race(
        repeat,
        ours=lambda: model.train()(frames, flows).mean().backward(),
        plain=lambda: plain.network(state, 2 * frames - 1, *flows).mean().backward(),
    )
    ratio = times["plain"] / times["ours"]
    print(f"{size}: training step {times['ours']:.2f} s, plain {times['plain']:.2f} s, {ratio:.2f} times", flush=True)


if __name__ == "__main__":
    main()
