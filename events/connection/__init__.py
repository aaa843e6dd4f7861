"""The Stripe account of a company, and the state of its connection. Imports runtime, the log and the intake."""
