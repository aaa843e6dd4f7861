"""Delivery of webhooks: attempts, retries and posting. Imports the account."""
