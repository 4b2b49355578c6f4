"""What tests are made of.

That is: in-memory adapters that keep the contracts of the real ones, a toy model, and nights put together
from them.
"""
