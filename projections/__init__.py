"""Projections of the log: pure folds, their tables, and the queries that read them. Imports events and runtime."""
