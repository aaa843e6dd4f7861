"""Rebuild projections beside the live ones, flip to them, compare builds. Imports the engine."""
