"""A small HTTP server, and what all answers need: parameters, limits, errors, expansion. Imports the account."""
