"""PSNR outside the damage."""

from typing import ClassVar

from degrade.benchmark.metrics._pixels import RegionPSNR
from degrade.benchmark.metrics.base import untouched


class PSNROutside(RegionPSNR):
    """PSNR over the pixels that no contaminant touched (alpha 0), per frame; blur, noise and compression remain.

    At most 100 dB, which is what an untouched pixel scores if it is left alone.
    """

    label: ClassVar[str] = "PSNR outside"
    region = staticmethod(untouched)
