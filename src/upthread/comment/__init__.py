"""Threads of comments and votes on them."""
