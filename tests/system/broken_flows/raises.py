"""Raises while it is imported."""

raise RuntimeError("no data for this module")
