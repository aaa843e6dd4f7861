"""The door for Stripe's events. Imports events, app.http and app.wiring."""
