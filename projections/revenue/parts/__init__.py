"""Parts of lines, their versions and their sums. Pure."""
