"""The settings and tools of the views. Imports app.http, and what the tools are made of."""
