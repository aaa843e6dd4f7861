"""Every error that is answered, in one shape (RFC 9457). Imports whatever raises one."""
