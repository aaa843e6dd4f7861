"""Reports of recognized revenue as JSON and as files, and what each of their figures is made of."""
