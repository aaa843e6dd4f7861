"""Generate made-up businesses from a seed. Imports the account."""
