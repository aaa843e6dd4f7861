"""The page of one's own account: name, password, sessions. Imports app.pages."""
