"""Which account a company is connected to, and how that stands. Imports runtime, the log and the intake."""
