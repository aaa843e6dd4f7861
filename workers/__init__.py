"""Everything that happens outside a request: queues, jobs, sync runs, the Stripe gateway and the clock."""
