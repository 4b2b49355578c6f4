"""What tests are made of: in-memory adapters that keep the contracts of the real ones, and nights put together from them."""
