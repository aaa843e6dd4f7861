"""Saved views over the API."""
