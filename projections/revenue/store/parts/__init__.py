"""Parts of lines, and what is recognized by month, in PostgreSQL."""
