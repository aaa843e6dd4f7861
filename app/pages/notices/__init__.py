"""What a company is told, and who else: notices, notifications, webhooks. Imports app.api's steps and app.pages."""
