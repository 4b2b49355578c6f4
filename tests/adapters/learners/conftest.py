"""A test of a learner that needs a shared library which the system lacks is skipped, and says which one."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from nightjar.core.errors.settings import SystemLibraryMissing

NO_LIBRARY = "cannot open shared object file"


@contextmanager
def skipped_without_its_library() -> Generator[None]:
    try:
        yield
    except (OSError, SystemLibraryMissing) as error:
        if NO_LIBRARY not in str(error):
            raise
        pytest.skip(str(error))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    with skipped_without_its_library():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    with skipped_without_its_library():
        return (yield)
