"""What the log adds up to: pure folds, their tables, and the queries that read them."""
