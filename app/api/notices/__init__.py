"""What is told outside, over the API: webhook endpoints, and who gets which e-mails."""
