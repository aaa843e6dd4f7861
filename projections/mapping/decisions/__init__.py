"""What people decide about mapping and policy: facts, and the book that they come to. Pure."""
