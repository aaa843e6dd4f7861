"""Make projections anew beside the live ones, flip, compare. Imports the engine."""
