"""The objects of an account, and paged lists of them. Imports nothing else from the simulation."""
