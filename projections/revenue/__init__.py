"""What facts tell of invoices, prices and names, and the rows of lines that follow. Pure; imports events and facts."""
