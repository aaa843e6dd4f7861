"""Tell people and programs outside what happened, by rows that are sent. Imports tenants, events and runtime."""
