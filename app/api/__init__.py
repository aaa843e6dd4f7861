"""The JSON API under /v1: its parts, their schemas and its OpenAPI document. Imports app.connect and what that may."""
