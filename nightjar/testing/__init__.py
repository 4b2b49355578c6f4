"""What tests are made of: a toy model, in-memory adapters with the contracts of the real ones, nights.

The nights are put together from the model and the adapters.
"""
