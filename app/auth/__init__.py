"""Who asks, what they may do, and how they sign in. Imports tenants, app.http and app.wiring."""
