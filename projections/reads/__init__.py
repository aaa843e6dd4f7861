"""What is asked of the tables: now, as of a day, and why. Imports the registry, revenue and its tables."""
