"""What every fold is handed, and how far each has come. Imports runtime and events."""
