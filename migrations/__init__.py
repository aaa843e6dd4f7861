"""The database schema as migration steps. Each step works with the code of the release before it."""
