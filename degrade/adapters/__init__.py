"""Bridges to other libraries, each imported only by who asks for it."""
