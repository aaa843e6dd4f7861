"""Pages of recognized revenue: reports by month, what each figure is made of, and credit notes."""
