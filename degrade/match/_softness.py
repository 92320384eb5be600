"""Softness: the blurs before and after the grain."""

from collections.abc import Mapping

from degrade.match._ways import Squares
from degrade.measure import Film, Reading

LENS, SCAN = ("lens", "sigma"), ("scan", "sigma")
OF_SCAN = 0.9
"""Share of the squares that blurs the grain, too."""


class Softness:
    """Two `gaussian_blur` whose squares add up to what the film has beyond the footage."""

    instrument = "softness"
    strong = LENS, SCAN
    way = Squares(0.001)
    keys: Mapping[tuple[str, str], str] = {LENS: "blur", SCAN: "blur"}

    def start(self, film: Film, own: Film) -> Mapping[tuple[str, str], float]:
        """See `Part.start`."""
        wanted = film["softness"]["blur"].value
        return {} if wanted is None else _split(self.way.start(wanted, own["softness"]["blur"].value or 0.0))

    def turned(
        self, now: Mapping[tuple[str, str], float], film: Film, made: Film, own: Film, step: float
    ) -> Mapping[tuple[str, str], float]:
        """See `Part.turned`."""
        before = {key: now[key] for key in self.keys if key in now}
        wanted, got = film["softness"]["blur"].value, made["softness"]["blur"].value
        if wanted is None or got is None or not before:
            return before
        total = sum(sigma**2 for sigma in before.values()) ** 0.5
        return _split(self.way.turned(total, wanted, got, 0.0, step))

    def ends(self, key: tuple[str, str], value: float, reading: Reading) -> tuple[float, float]:
        """See `Part.ends`."""
        return self.way.ends(value, reading, 0)


def _split(sigma: float) -> dict[tuple[str, str], float]:
    return {LENS: (1 - OF_SCAN) ** 0.5 * sigma, SCAN: OF_SCAN**0.5 * sigma}
