"""Queries of recognized revenue, now and as of a position: the rows of reports, and the parts behind each figure."""
