"""Facts, the input of every fold, and how far each build is folded. Imports runtime and events."""
