"""People: how they join, sign in and leave."""
