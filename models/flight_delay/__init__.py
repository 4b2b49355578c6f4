"""P(a scheduled departure from New York arrives more than 15 minutes late, or not at all), scored the
evening before.
"""
