"""Reads of what is mapped and what is not."""
