"""How long visitors wait for services that do not answer: a page comes within two seconds whatever is frozen.

These bound calls to services in other processes, and to MongoDB. What a service does in this process on a SQLite file
ends by itself and is not cut off.
"""

PAGE = 1.8
"""Seconds for all that a page asks of services; the rest of the two is for making it."""
FORM = 8.0
"""Seconds for what a form asks for. Whoever has sent one would rather wait for a slow service, or for MongoDB to have a
new primary, than be told to look whether it was done."""
PART = 1.0
"""Seconds for one thing that the page can come without, such as who is signed in."""
