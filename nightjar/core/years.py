"""The years that a date of the platform may lie in.

They are far enough for any data, and near enough to catch a slip of the pen.
"""

YEARS = range(1900, 2200)
