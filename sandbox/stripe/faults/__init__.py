"""Faults that can be requested. Imports http and the account."""
