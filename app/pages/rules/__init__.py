"""The pages of rules: the list and its editor, previews, and versions. Imports app.pages and app.pages.mapping."""
