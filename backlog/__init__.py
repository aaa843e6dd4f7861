"""Work that waits as rows, and the queues that wake who does it. Imports events, projections and runtime."""
