"""The mean departure delay, in minutes, of each route from New York in the coming week.

It is scored on Monday morning.
"""
