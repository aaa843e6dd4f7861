"""A simulated Stripe: accounts that bill customers, an HTTP API to list them, webhooks, and faults on request.

The tests check the product against it, so it imports nothing from the product. Start with
`sandbox.stripe.account.platform` (`SimulatedStripe`), serve it with `sandbox.stripe.running` (`StripeServer`), fill it
with `sandbox.stripe.generate.generate`, and get the expected revenue table from `sandbox.stripe.account.truth`.
`sandbox.stripe.demo` does all of this at once, and `sandbox.stripe.doors.control` lets another process do it over HTTP.
"""
