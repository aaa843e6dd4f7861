"""The HTTP layer: sockets, bodies, limits and counts. Of our packages it imports only what reads the tables."""
