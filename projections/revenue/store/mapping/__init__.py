"""What maps lines, in PostgreSQL, and mapping them anew."""
