"""Translate Stripe's objects into values of our own. Pure; imports no other package of ours."""
