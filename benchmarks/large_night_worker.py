"""What the workers of cluster.py preload: the model of the large night, in place of the example's."""

from large_night import spec_of

import models

models.MODELS["flight_delay"] = spec_of(1)  # parts are cut by the night, so any size does
