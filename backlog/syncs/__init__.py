"""Syncs as rows: request, schedule and report them. Imports events and the backlog's tables."""
