"""Exports that people are told of regularly, as rows. Imports projections, notices, tenants, events and runtime."""
