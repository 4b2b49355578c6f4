import pytest

from nightjar.server.paging import every


@pytest.mark.parametrize("count", [0, 1, 3, 4, 6])
def test_a_list_is_read_to_its_end(count):
    def read(*, offset, kind):
        assert kind == "asked for"
        return list(range(count))[offset : offset + 3]

    assert every(read, kind="asked for") == [*range(count)]
