"""Health checks and metrics for monitoring. Imports app.wiring and what it counts."""
