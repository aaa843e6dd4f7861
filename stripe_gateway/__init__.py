"""Everything that talks to Stripe: its API, connecting accounts, credentials. Imports events, tenants and runtime."""
