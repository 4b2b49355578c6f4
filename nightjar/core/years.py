"""The years that a date of the platform may lie in: far enough for any data, near enough to catch a slip
of the pen.
"""

YEARS = range(1900, 2200)
