"""What the log says of a company's connection. Imports events and facts."""
