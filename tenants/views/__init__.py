"""Views of the table that people keep, and how they like it to look."""
