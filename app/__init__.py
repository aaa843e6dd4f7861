"""HTTP: the only package that knows Flask's requests and answers. Imports all but workers, commands and sandbox."""
