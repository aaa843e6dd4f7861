"""What jobs are made with: settings and tools. Imports the gateway, the backlog, tenants and runtime."""
