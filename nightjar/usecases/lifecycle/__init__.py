"""Train versions and decide which one is champion."""
