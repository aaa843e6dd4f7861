"""A small HTTP server, and what every answer needs: parameters, limits, errors, expansion. Imports the account."""
