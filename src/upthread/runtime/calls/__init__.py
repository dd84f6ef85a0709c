"""Calls between services: a service's door on HTTP, and an object of the same shape that calls it from afar.

Nothing is written by hand for a single method. Its name, parameters, defaults and types are read from its signature
(:mod:`.methods`) by both ends: :mod:`.server` makes a route of it, :mod:`.client` a method that calls that route. So a
method that works near but not far does not come up; one that can't be told by its types fails when the process starts.
"""
