"""The request handlers for api.stripe.com, connect.stripe.com and the tests. Imports all of the simulation."""
