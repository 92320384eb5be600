"""From a film to a spec that makes more of its damage: measured, written, rendered, measured again, and corrected."""

from degrade.match._distance import Row, distances
from degrade.match._match import Match, match, spec_name
from degrade.match._page import page

__all__ = ["Match", "Row", "distances", "match", "page", "spec_name"]
