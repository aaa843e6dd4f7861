"""People, invitations, API keys, companies and who did what, as JSON. Imports app.api.base and below."""
