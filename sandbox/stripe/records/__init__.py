"""What an account holds, and how a list of it is paged. Imports nothing else of the simulation."""
