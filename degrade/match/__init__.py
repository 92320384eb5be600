"""From a film to a spec that makes more of its damage: measured, written, rendered, measured again, and corrected."""

from degrade.match._match import Match, match

__all__ = ["Match", "match"]
