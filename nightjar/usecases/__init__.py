"""What the platform does, one module a use case: gather through ports, decide in the core, apply through
ports.
"""
