"""Work outside of web requests: jobs, the queue worker, the clock. Imports all but app, commands and sandbox."""
