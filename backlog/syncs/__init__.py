"""Syncs as rows: asked for, due, reported. Imports events and the backlog's tables."""
