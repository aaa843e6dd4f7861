"""Queries of the tables: now, as of a moment, and why. Imports the registry, revenue and its tables."""
