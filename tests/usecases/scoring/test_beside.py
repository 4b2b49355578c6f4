"""Work that is done beside other work: its result, its errors, its end."""

from threading import Event, get_ident

import pytest
from structlog.contextvars import bound_contextvars, get_contextvars

from nightjar.usecases.scoring.beside import Unwanted, beside

PATIENCE_S = 30


def test_the_result_is_there_when_it_is_asked_for_and_again():
    with beside(lambda _: [get_ident()]) as result:
        there = result()
    assert there != [get_ident()]
    assert result() is there


def test_both_are_done_at_the_same_time():
    here, there = Event(), Event()

    def work(_):
        there.set()
        return here.wait(PATIENCE_S)

    with beside(work) as met:
        assert there.wait(PATIENCE_S)
        here.set()
        assert met()


def test_log_lines_of_the_work_name_the_night_too():
    with bound_contextvars(run=7), beside(lambda _: get_contextvars()) as known:
        assert known()["run"] == 7


def test_an_error_of_the_work_is_raised_where_its_result_is_asked_for():
    with pytest.raises(KeyError, match="missing"), beside(lambda _: {}["missing"]) as result:
        result()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_if_the_block_fails_the_work_ends_at_its_next_step_and_the_error_of_the_block_counts(error):
    ended, failing = Event(), Event()

    def work(wanted):
        assert failing.wait(PATIENCE_S)
        try:
            while True:
                wanted()
        except Unwanted:
            ended.set()
            raise

    with pytest.raises(error), beside(work):
        _fail(failing, error)
    assert ended.is_set()


def _fail(failing, error):
    failing.set()
    raise error
