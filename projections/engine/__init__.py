"""Carry projections on with the log, and halt what fails alone. Imports the registry and facts."""
