"""Which clips a dataset has."""

from degrade.core.errors import SourceError, SpecError
from degrade.core.fields import Strict
from degrade.core.types import ClipInfo
from degrade.sources import Source
from degrade.sources.stream import StreamInfo, steady
from degrade.spec import Spec


class Clip(Strict):
    """A clip of the dataset: a stretch of a sequence, resized."""

    id: str
    """Names its files and keys its random streams."""
    split: str
    sequence: str
    start: int
    """First frame in the sequence."""
    frames: int
    height: int
    width: int
    channels: int
    fps: float
    """Frames per second; of footage of a variable rate the mean."""
    aspect: float = 1.0
    """Width of a pixel over its height, which resizing keeps."""
    damaged: str = ""
    """Numbers of the footage's frames that were damaged, and repeated or skipped, separated by spaces."""

    def info(self) -> ClipInfo:
        """What damage is drawn for."""
        return ClipInfo(frames=self.frames, height=self.height, width=self.width, channels=self.channels, id=self.id)

    def stream(self) -> StreamInfo:
        """What its frames are when they are written: at a constant rate, from 0 on."""
        return steady(self.fps, aspect=self.aspect)


def plan(spec: Spec, source: Source) -> list[Clip]:
    """All clips of the dataset, in order.

    Raises:
        SpecError: A sequence is shorter than `clips.length`, a split cannot be made, or there is no clip at all.
        SourceError: Two sequences would give clips of the same name.
    """
    sequences = source.sequences()
    split_of = spec.split_of(sequence.id for sequence in sequences)
    clips: dict[str, Clip] = {}
    for sequence in sequences:
        if sequence.id not in split_of:
            continue
        length = spec.clips.length or sequence.frames
        if sequence.frames < length:
            raise SpecError(f"asks for {length} frames, sequence {sequence.id!r} has {sequence.frames}", "clips.length")
        height, width = spec.clips.size or (sequence.height, sequence.width)
        for start in range(0, sequence.frames - length + 1, spec.clips.stride or length):
            name = sequence.id.replace("/", "_") + (f"_{start:05d}" if spec.clips.length else "")
            if name in clips:
                raise SourceError(f"sequences {clips[name].sequence!r} and {sequence.id!r} both give clip {name!r}")
            clips[name] = Clip(
                id=name,
                split=split_of[sequence.id],
                sequence=sequence.id,
                start=start,
                frames=length,
                height=height,
                width=width,
                channels=1 if spec.color == "grey" else 3,
                fps=sequence.fps,
                aspect=float(sequence.stream.aspect),
                damaged=" ".join(map(str, source.damaged(sequence, start, start + length))),
            )
    if not clips:
        raise SpecError(f"take none of the {len(sequences)} sequences", "splits")
    return spread(list(clips.values()), spec.clips.limit)


def spread(clips: list[Clip], limit: int | None) -> list[Clip]:
    """At most `limit` of the clips, at even distances."""
    if limit is None or limit >= len(clips):
        return clips
    return [clips[i * len(clips) // limit] for i in range(limit)]
