"""Syncs: work on them in turns, prove and end them. Every run is a row. Imports workers.wiring and what that may."""
