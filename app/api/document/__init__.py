"""The OpenAPI document: its operations' names, groups and roles, and an example of each. Imports nothing of the API."""
