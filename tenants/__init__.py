"""Who may do what: companies, and the keys that speak for them."""
