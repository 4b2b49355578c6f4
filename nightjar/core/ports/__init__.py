"""What the use cases ask of the world, by subject.

Each docstring is the contract that every adapter keeps.
"""
