"""The log: append facts once and in order, and read them. Imports runtime."""
