"""The page of revenue streams and their plans. Imports app.api and app.pages."""
