"""What may go wrong on request. Imports http and the account."""
