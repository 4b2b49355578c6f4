"""Nightjar: scheduled batch scoring, published exactly once.

Importing it changes two things for its process.

BLAS has one thread, unless OPENBLAS_NUM_THREADS says otherwise. The matrices of the audit and of the
estimates are small: a second thread mostly waits for the first one, and both take up to thirty times the
processor's time. Sums in another order also round otherwise on each machine.

The garbage collector looks for cycles after ALLOCATED new objects, and not after 700. It looks at all objects
of all imported libraries now and then, and a night makes many small ones and hardly any cycle.
"""

import gc
import os
import sys

ALLOCATED = 100_000

if "OPENBLAS_NUM_THREADS" not in os.environ:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded, also by our child processes
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, user_api="blas")

if 0 < gc.get_threshold()[0] < ALLOCATED:  # 0: it was switched off
    gc.set_threshold(ALLOCATED, *gc.get_threshold()[1:])
