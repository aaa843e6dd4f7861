"""From the bytes that came to the log: envelope, groups, parked events. Imports runtime and the log."""
