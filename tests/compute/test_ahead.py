# SPDX-License-Identifier: Apache-2.0
import contextlib
import threading
import time

import pytest
import torch

from monai_i2v.compute import ahead
from monai_i2v.errors import UsageError


class Source:
    """Counts to ten in a thread of its own, and tells how far it is."""

    def __init__(self, fail_at=None):
        self.made, self.closed_in, self.made_in, self.fail_at = 0, None, set(), fail_at

    def __iter__(self):
        try:
            for number in range(10):
                self.made_in.add(threading.current_thread().name)
                if number == self.fail_at:
                    raise UsageError("the disk is gone.")
                self.made += 1
                yield number
        finally:
            self.closed_in = threading.current_thread().name


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert condition()


def test_items_come_in_order_from_one_thread_without_gradients():
    source = Source()
    assert list(ahead(iter(source))) == list(range(10))
    assert len(source.made_in) == 1
    assert threading.current_thread().name not in source.made_in
    with torch.enable_grad():
        assert list(ahead(torch.is_grad_enabled() for _ in range(2))) == [False, False]


def test_the_thread_goes_on_while_an_item_is_used_and_no_farther_than_it_may():
    source = Source()
    items = ahead(iter(source), count=3)
    assert next(items) == 0
    wait_for(lambda: source.made == 4)
    time.sleep(0.05)
    assert source.made == 4
    items.close()


def test_an_error_comes_where_its_item_would_have_come():
    items = ahead(iter(Source(fail_at=2)))
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(UsageError, match="the disk is gone"):
        next(items)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_who_stops_early_leaves_no_thread_and_an_iterable_that_is_closed(error):
    source = Source()

    def use():
        with contextlib.closing(ahead(iter(source))) as items:
            for _ in items:
                raise error

    with pytest.raises(error):
        use()
    assert source.closed_in in source.made_in
    assert source.made <= 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
