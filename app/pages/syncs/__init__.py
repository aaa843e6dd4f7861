"""The pages of sync runs: history, progress and comparison with Stripe. Imports app.pages."""
