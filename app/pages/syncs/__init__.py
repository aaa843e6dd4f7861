"""Runs of the sync: their list, progress and proof. Imports app.pages."""
