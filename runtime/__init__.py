"""What every process stands on: database, environment, clock, logs, child processes. Imports nothing of ours."""
