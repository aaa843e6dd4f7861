"""The endpoints that receive Stripe's events. Imports events, app.http and app.wiring."""
