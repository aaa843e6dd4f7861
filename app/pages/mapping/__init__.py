"""The revenue mapping table, its chart, and a line with its history. Imports app.pages."""
