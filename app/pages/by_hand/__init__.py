"""Mapping lines by hand, as batches that can be undone."""
