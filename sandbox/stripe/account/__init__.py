"""Accounts and their changes: journal, catalog, invoices, moves, truth. Imports records and render."""
