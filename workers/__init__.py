"""What happens outside of requests: jobs, the queues' worker, the clock. Imports all but app, commands and sandbox."""
