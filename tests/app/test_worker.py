# SPDX-License-Identifier: Apache-2.0
import threading
import time

import pytest

from monai_i2v.app.worker import Worker
from monai_i2v.errors import UsageError


@pytest.fixture
def ends():
    return []


@pytest.fixture
def worker(ends):
    one = Worker(lambda name, error: ends.append((name, error)))
    yield one
    one.close()


def endless(seen, seconds=0.01):
    while True:
        time.sleep(seconds)
        seen.append(threading.get_ident())
        yield


def test_short_jobs_have_their_turn_between_the_steps_of_a_long_one(worker, ends):
    seen = []
    worker.begin("long", lambda: endless(seen)).result()
    assert worker.busy == "long"
    for _ in range(5):
        assert worker.do(threading.get_ident).result(5) == (seen or [worker._thread.ident])[0]
    worker.stop().result(5)
    assert worker.busy == ""
    assert ends == [("long", None)]
    count = len(seen)
    time.sleep(0.05)
    assert len(seen) == count


def test_one_long_job_at_a_time(worker):
    worker.begin("first", lambda: endless([])).result()
    with pytest.raises(UsageError, match="first is under way, expected one thing at a time; stop it first"):
        worker.begin("second", lambda: endless([])).result()


def test_errors_reach_who_asked_and_a_long_job_that_fails_is_told(worker, ends):
    def failing():
        yield
        raise ValueError("no")

    with pytest.raises(ZeroDivisionError):
        worker.do(lambda: 1 // 0).result()
    worker.begin("long", failing).result()
    while not ends:
        time.sleep(0.01)
    assert ends[0][0] == "long"
    assert str(ends[0][1]) == "no"
    assert worker.do(lambda: 3).result() == 3


def test_a_stop_runs_what_a_long_job_does_at_its_end(worker):
    closed = []

    def steps():
        try:
            while True:
                yield
        finally:
            closed.append(True)

    worker.begin("long", steps).result()
    worker.stop().result()
    assert closed == [True]


def test_idle_work_is_done_when_there_is_nothing_else_and_then_rests():
    left = [1, 2, 3]

    def idle():
        if left:
            left.pop()
        return bool(left)

    worker = Worker(lambda name, error: None, idle)
    worker.do(lambda: None).result()
    while left:
        time.sleep(0.01)
    worker.close()
