"""Receive Stripe's events: parse, append in groups, or park them. Imports runtime and the log."""
