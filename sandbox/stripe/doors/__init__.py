"""The doors of api.stripe.com, connect.stripe.com and of the tests. Imports all of the simulation."""
