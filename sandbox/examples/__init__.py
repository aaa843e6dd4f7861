"""The API reference's examples: every operation asked once of a running demo, its answers made stable and harmless."""
