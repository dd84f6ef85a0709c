"""Measures what Upthread costs, as ratios within one run: ``python -m bench``, or ``make bench``.

A run makes its data once (:mod:`bench.data`), starts servers (:mod:`bench.servers`), drives them with load generators
(:mod:`bench.load`), keeps what it found as JSON (:mod:`bench.results`) and writes ``docs/performance.md`` from that
(:mod:`bench.report`). :mod:`bench.steps` is apart: it counts steps instead of time, for the check in the test suite.
"""
