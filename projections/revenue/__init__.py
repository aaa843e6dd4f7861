"""What facts say about invoices, prices and names, and the rows derived from it. Pure; imports events and facts."""
