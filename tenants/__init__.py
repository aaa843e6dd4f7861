"""Access control: companies, users and their roles, API keys, sessions, and secrets at rest."""
