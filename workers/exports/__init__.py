"""Tell people of exports that are due. Imports backlog, projections, notices and what those may."""
