"""Streams, rules, overrides and the accounting policy over the API."""
