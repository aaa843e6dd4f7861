"""The API reference for people, made from the same document that programs read."""
