"""What importing Nightjar changes for its process."""

import os
import subprocess
import sys

import pytest

ASKED = """
from threadpoolctl import threadpool_info
import numpy
print(*(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"))
"""


def threads(first: str, **settings: str) -> list[str]:
    """The threads of each BLAS of a process that imports modules in this order."""
    others = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    program = [sys.executable, "-c", f"import {first}{ASKED}"]
    told = subprocess.run(program, env=others | settings, check=True, capture_output=True, text=True)
    return told.stdout.split()


@pytest.mark.parametrize("first", ["nightjar", "numpy, nightjar"])
def test_blas_has_one_thread(first):
    assert threads(first) == ["1"]


@pytest.mark.skipif(os.cpu_count() == 1, reason="BLAS has no more threads than the machine has cores")
def test_a_setting_of_the_machine_counts():
    assert threads("nightjar", OPENBLAS_NUM_THREADS="2") == ["2"]


@pytest.mark.parametrize(
    ("before", "after"),
    [("gc.get_threshold()", "100000"), ("gc.disable()", "100000"), ("gc.set_threshold(0)", "0")],
)
def test_cycles_are_looked_for_seldom_and_never_where_that_was_switched_off(before, after):
    program = f"import gc; {before}; import nightjar; print(gc.get_threshold()[0])"
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert told.stdout.split() == [after]
