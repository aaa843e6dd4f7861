"""Answer every error in one format (RFC 9457). Imports the modules that raise them."""
