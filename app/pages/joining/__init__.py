"""Pages for people on their way in: invitations, sign-up, forgotten passwords. Imports app.pages."""
