"""Which parameters of which ops make what an instrument reads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from degrade.match._grain import Grain
from degrade.match._tone import Tone
from degrade.match._ways import Ratio, Share, Shift, Squares, Way, trust
from degrade.measure import Film, Reading
from degrade.measure.gate import SIDES

Key = tuple[str, str]
"""Label of an op in ``start.yaml``, and a parameter; of one that is a list, ``sigma.0`` is the first value."""
Values = Mapping[Key, float]


class Part(Protocol):
    """One or more parameters that follow from the readings of one instrument."""

    @property
    def instrument(self) -> str: ...

    @property
    def keys(self) -> Mapping[Key, str]:
        """What it sets, each with the quantity that its range and comment tell of."""

    @property
    def strong(self) -> Collection[Key]:
        """Strengths: an op is left out where all of its own are 0."""

    @property
    def way(self) -> Way: ...

    @property
    def held(self) -> bool:
        """Whether it is not corrected."""

    def start(self, film: Film, own: Film) -> Values:
        """Values at first; none for what the film does not tell."""

    def turned(self, now: Values, film: Film, made: Film, own: Film, step: float) -> Values:
        """Values after a render under `now` read `made`."""

    def ends(self, key: Key, value: float, reading: Reading) -> tuple[float, float]:
        """The range that the spec has."""


@dataclass(frozen=True)
class Knob:
    """One parameter that follows from one reading."""

    op: str
    parameter: str
    instrument: str
    quantity: str
    way: Way
    strength: bool = False
    """Whether the op is left out where it is 0."""
    wide: float = 0.0
    """Half of the range as a share of the value, at least: what differs from defect to defect."""
    most: float = float("inf")
    held: bool = False
    """Not corrected: what a render of few clips reads is less sure than the film, or depends on other parameters."""

    @property
    def key(self) -> Key:
        """See `Key`."""
        return self.op, self.parameter

    @property
    def strong(self) -> Collection[Key]:
        """See `Part.strong`."""
        return [self.key] * self.strength

    @property
    def keys(self) -> Mapping[Key, str]:
        """See `Part.keys`."""
        return {self.key: self.quantity}

    def start(self, film: Film, own: Film) -> Values:
        """See `Part.start`."""
        read = film[self.instrument][self.quantity].value
        return {} if read is None else {self.key: min(self.way.start(read, self._of(own)), self.most)}

    def turned(self, now: Values, film: Film, made: Film, own: Film, step: float) -> Values:
        """See `Part.turned`."""
        wanted, got = (one[self.instrument][self.quantity].value for one in (film, made))
        if wanted is None or got is None or self.key not in now or self.held:
            return {key: now[key] for key in self.keys if key in now}
        step *= trust(wanted, made[self.instrument][self.quantity])
        return {self.key: min(self.way.turned(now[self.key], wanted, got, self._of(own), step), self.most)}

    def ends(self, key: Key, value: float, reading: Reading) -> tuple[float, float]:
        """See `Part.ends`."""
        return self.way.ends(value, reading, self.wide)

    def _of(self, own: Film) -> float:
        return own[self.instrument][self.quantity].value or 0.0


def parts() -> Sequence[Part]:
    """All of them."""
    return [
        Knob("lens", "sigma", "softness", "blur", Squares(0.0008), strength=True),
        Knob("scan", "sigma", "softness", "blur", Squares(0.0006), strength=True),
        Tone(),
        Grain(),
        Knob("vignette", "falloff", "gate", "falloff", Shift(1.0, 0.2), strength=True),
        *(Knob("border", side, "gate", side, Ratio(0.001, least=1), strength=True, most=0.25) for side in SIDES),
        Knob("border", "radius", "gate", "corners", Ratio(0.001, least=1), strength=True, most=0.5),
        Knob("flicker", "std", "flicker", "std", Ratio(own=2), strength=True),
        Knob("flicker", "correlation", "flicker", "memory", Ratio(), held=True),
        Knob("periodic_flicker", "amplitude", "flicker", "periodic", Ratio(), strength=True),
        Knob("periodic_flicker", "period", "flicker", "period", Ratio(), held=True),
        Knob("spatial_flicker", "std", "spatial_flicker", "std", Ratio(own=2), strength=True),
        Knob("spatial_flicker", "correlation", "spatial_flicker", "memory", Ratio(), held=True),
        # What is read of specks is what shows through blur and codec: there are more of them, smaller and stronger.
        Knob("dust", "per_frame", "dust", "per_frame", Ratio(3, least=0.3), strength=True, most=400),
        Knob("dust", "size", "dust", "size", Ratio(0.65), most=0.03, held=True),
        Knob("dust", "spread", "dust", "spread", Ratio(), most=1, held=True),
        Knob("dust", "opacity", "dust", "opacity", Ratio(1.7), wide=0.5, most=0.65),
        Knob("dust", "light", "dust", "light", Share()),
        Knob("dust", "elongation", "dust", "elongation", Ratio(), wide=0.5, most=4),
        Knob("dust", "stretch", "dust", "stretch", Ratio(), most=4),
        Knob("dust", "bursts", "dust", "bursts", Share(), held=True),
        Knob("frame_faults", "repeated", "repeated", "repeated", Ratio(), strength=True),
        Knob("frame_faults", "missing", "repeated", "missing", Ratio(), strength=True, most=0.3),
        Knob("black_frames", "lost", "repeated", "blank", Ratio(), strength=True),
        # Not corrected: footage moves by itself, and what its camera does is no part of the machine's.
        Knob("weave", "x", "weave", "x", Ratio(0.001), strength=True, held=True),
        Knob("weave", "y", "weave", "y", Ratio(0.001), strength=True, held=True),
        Knob("weave", "rotation", "weave", "rotation", Ratio(), strength=True, held=True),
        Knob("weave", "correlation", "weave", "memory_x", Ratio(), held=True),
        Knob("weave", "correlation_y", "weave", "memory_y", Ratio(), held=True),
        Knob("scratch", "per_frame", "lines", "per_frame", Ratio(own=1, least=0.1), strength=True, most=60),
        Knob("scratch", "opacity", "lines", "contrast", Ratio(2.5), wide=0.5, most=0.65),
        Knob("scratch", "light", "lines", "light", Share()),
        Knob("scratch", "width", "lines", "width", Ratio(0.7), wide=0.4, most=0.02),
        Knob("scratch", "lifetime", "lines", "lifetime", Ratio(), wide=0.6, held=True),
        Knob("scratch", "broken", "lines", "broken", Share(), wide=0.6),
        Knob("gate_dirt", "per_frame", "gate_dirt", "per_frame", Ratio(own=1, least=2), strength=True, most=100),
        Knob("gate_dirt", "size", "gate_dirt", "size", Ratio(), wide=0.3, most=0.05),
        Knob("gate_dirt", "light", "gate_dirt", "light", Share()),
        Knob("rain", "per_frame", "lines", "rain", Ratio(130, least=0.15), strength=True, most=500),
        Knob("rain", "opacity", "lines", "rain_contrast", Ratio(0.075), wide=0.8, most=0.5),
    ]
