"""Upthread: a link-sharing and discussion site, as one process on SQLite or as services on MongoDB."""

__version__ = "0.1.0"
