"""PSNR inside the damage."""

from typing import ClassVar

from degrade.benchmark.metrics._pixels import RegionPSNR
from degrade.benchmark.metrics.base import damaged


class PSNRInside(RegionPSNR):
    """PSNR over the pixels whose damage shows (alpha above 0.1), per frame; frames without any do not count.

    Says how well defects are filled, whatever happens elsewhere. At most 100 dB.
    """

    label: ClassVar[str] = "PSNR inside"
    reference: ClassVar[str] = "errors of known size within and around a mask"
    by_kind: ClassVar[bool] = True
    region = staticmethod(damaged)
