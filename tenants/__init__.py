"""Access control: companies, users, roles, API keys, sessions, secrets at rest. Imports events and runtime."""
