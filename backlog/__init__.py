"""Waiting work, stored as rows, and the queues that wake its workers. Imports events, projections and runtime."""
