"""How often Python looks for garbage in a process that makes many things and little garbage."""

import gc

THRESHOLDS = (10_000, 20, 20)
"""New things after which the youngest are looked through for garbage, and how often that comes to the older ones."""


def collect_less() -> None:
    """Leave what is there at the start out of garbage collection, and look through what comes later less often.

    A page of 500 comments makes some thousand things that Python's collector counts, and it looked through all of the
    process again and again for garbage that there is none of: a fifth of that page's time, and 3 % of an import's.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
