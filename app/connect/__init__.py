"""Connect a Stripe account by Stripe's page or by a key, and disconnect it. Imports app.auth and what that may."""
