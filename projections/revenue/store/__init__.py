"""State, rows and sums in PostgreSQL, for many companies in one statement. Imports revenue and facts."""
