"""The log: append facts once and in order, read them back. Imports runtime."""
