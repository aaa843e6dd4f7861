"""HTTP in, HTTP out. The only package that knows Flask's requests and answers."""
