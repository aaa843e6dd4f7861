"""The JSON API under /v1: its parts, their schemas, the document about it. Imports app.connect and what that may."""
