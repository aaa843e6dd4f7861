"""Sockets, bodies, limits, counts: what answering HTTP takes. Imports of ours only what reads the tables."""
