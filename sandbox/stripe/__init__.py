"""A simulated Stripe: accounts that bill, an HTTP API that lists them, webhooks that tell of them, faults on request.

It is the oracle of the tests, so it imports nothing of the product. Start with `sandbox.stripe.account.platform`
(`SimulatedStripe`), put it on a socket with `sandbox.stripe.running` (`StripeServer`), fill it with
`sandbox.stripe.generate.generate`, and ask `sandbox.stripe.account.truth` what the revenue table must be.
`sandbox.stripe.demo` does all of it at once, and `sandbox.stripe.doors.control` lets another process do it over HTTP.
"""
