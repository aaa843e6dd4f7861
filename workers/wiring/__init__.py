"""Settings and tools for jobs. Imports the gateway, the backlog, tenants and runtime."""
