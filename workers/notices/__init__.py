"""Send what was queued for people and programs outside. Imports notices, workers.wiring and what that may."""
