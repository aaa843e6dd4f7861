"""The settings pages of a company's connection. Imports app.pages and app.pages.syncs."""
