"""The page of lines that nothing maps, from which they are mapped. Imports app.api and app.pages."""
