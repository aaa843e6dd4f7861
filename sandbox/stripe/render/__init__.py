"""Render records as each API version shows them. Imports the records."""
