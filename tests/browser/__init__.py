"""Pages in a real browser. A package, so that its browser and its deployment end with its last test."""
