"""Fold new events into projections, and halt only the builds that fail. Imports the registry and facts."""
