"""What monitoring asks for: health and metrics. Imports app.wiring and what it counts."""
