"""The event log, and what fills it: intake and connections. Nothing here depends on the log's readers."""
