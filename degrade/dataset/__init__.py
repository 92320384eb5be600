"""Datasets: planned, generated, read, replayed and verified."""

from degrade.dataset.layout import DatasetFolder

__all__ = ["DatasetFolder"]
