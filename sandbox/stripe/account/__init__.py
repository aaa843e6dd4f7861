"""Accounts and what happens in them: journal, catalog, invoices, moves, the truth. Imports records and render."""
