"""Businesses made up from a seed. Imports the account."""
