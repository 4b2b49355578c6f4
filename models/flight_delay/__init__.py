"""The probability that a scheduled departure from New York arrives more than 15 minutes late, or not at all.

It is scored the evening before.
"""
