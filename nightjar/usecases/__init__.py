"""What the platform does, one module a use case.

Each gathers through ports, decides in the core, and applies through ports.
"""
