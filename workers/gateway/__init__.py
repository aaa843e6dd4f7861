"""Speak to Stripe: one client under one rate limit, and what its answers are read as."""
