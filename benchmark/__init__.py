"""Restoration models at work: on real films, and scored against each other."""
