"""Pages for people: the same queries as the JSON API, answered as HTML."""
