"""What maps lines, in words: where shares go, what there is to choose, and who chose it."""
