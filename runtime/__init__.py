"""The basis of every process: database, environment, clock, logs, child processes. Imports none of our packages."""
