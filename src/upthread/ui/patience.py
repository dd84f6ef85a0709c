"""How long visitors wait for services that do not answer: a page comes within two seconds whatever is frozen.

These bound calls to services in other processes, and to MongoDB. What a service does in this process on a SQLite file
ends by itself and is not cut off.
"""

PAGE = 1.8
"""Seconds for all that a page asks of services; the rest of the two is for making it."""
PART = 0.7
"""Seconds for one thing that the page can come without, such as who is signed in."""
