"""Work that waits as rows, and the bell that wakes who does it. Imports events, projections and runtime."""
