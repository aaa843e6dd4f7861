"""Who may do what: companies, people and their roles, the keys that speak for companies, and secrets at rest."""
