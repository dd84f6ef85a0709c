"""What both ends of a call say on HTTP."""

PATH = "/call/"
"""Where methods are: this and the method's name."""
DEADLINE = "Deadline-Ms"
"""Header with the milliseconds that are left for the call: a duration, as the clocks of two machines differ."""
JSON, PROBLEM, REFUSAL = "application/json", "application/problem+json", "text/plain; charset=utf-8"
"""Media types of arguments and results, of a named error, and of what is wrong with the call itself."""
LARGEST = 64 * 2**20
"""Bytes of arguments or of an answer. An import brings up to 1,000 posts of 40,000 characters in one call."""
