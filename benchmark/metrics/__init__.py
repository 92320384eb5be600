"""Every metric, one file each: the file's stem is the name.

    from degrade.benchmark.metrics import Frame, make
    metric = make("psnr")
    for prediction, target in zip(restored, clean):
        metric.update(Frame(prediction, target))
    metric.result()

Listing names and classes imports no torch.
"""

from degrade.benchmark.metrics.base import Frame, Metric
from degrade.core.registry import Registry

__all__ = ["Frame", "Metric", "make", "registry"]

registry: Registry[Metric] = Registry("metric", __name__, Metric)


def make(name: str, device: str = "cpu") -> Metric:
    """A metric, ready for the frames of one clip.

    Args:
        name: As in `registry.names()`.
        device: Where networks run; the others run on the CPU.

    Raises:
        SpecError: No such metric (the nearest is suggested), or a package that it needs is missing.
    """
    return registry.get(name)(device)
