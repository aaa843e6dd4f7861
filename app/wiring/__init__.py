"""What views are made with: settings and tools. Imports app.http, and what the tools are made of."""
