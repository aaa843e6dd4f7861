"""The schema, step by step. Each step works with the code of the release before it."""
