"""Connecting a Stripe account, by Stripe's page or by a key, and letting go. Imports app.auth and what that may."""
