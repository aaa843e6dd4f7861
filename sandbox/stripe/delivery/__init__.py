"""Webhooks: who is told of what, and how it is sent. Imports the account."""
