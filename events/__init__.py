"""The event log, and what fills it: intake and connections. Imports runtime alone."""
