"""The use cases, one a module: gather through ports, decide in the core, apply through ports."""
