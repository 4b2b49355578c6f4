"""Nightjar: scheduled batch scoring, published exactly once.

Importing it keeps BLAS to one thread, unless OPENBLAS_NUM_THREADS says otherwise. The matrices of the audit
and of the estimates are small: a second thread mostly waits for the first one, and both take up to thirty
times the processor's time. Sums in another order also round otherwise on each machine.
"""

import os
import sys

if "OPENBLAS_NUM_THREADS" not in os.environ:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded, also by our child processes
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, user_api="blas")
