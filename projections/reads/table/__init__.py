"""Reads of the table of lines: filters, orders, pages and totals, now and as of any moment."""
