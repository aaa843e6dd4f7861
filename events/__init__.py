"""The log of what happened, and the plain tools it stands on. Nothing here knows who reads it."""
