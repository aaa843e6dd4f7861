"""Syncs: work on them in turns, prove and end them. Every run is a row; no work happens outside of one."""
