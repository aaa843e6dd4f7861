"""What rules may test of lines, beside what the table shows. Pure."""
