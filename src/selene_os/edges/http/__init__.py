"""Selene over HTTP: one table of operations, an ASGI app in front of it, and its description."""
