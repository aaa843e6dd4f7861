"""Authentication, roles and sign-in. Imports tenants, app.http and app.wiring."""
