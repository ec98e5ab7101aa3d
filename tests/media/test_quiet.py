# SPDX-License-Identifier: Apache-2.0
import logging
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from monai_i2v.media.quiet import quiet


def speak():
    logging.getLogger("pydicom.pixels").warning("odd")
    warnings.warn("odd", UserWarning, stacklevel=1)


def test_a_library_is_quiet_for_a_while(caplog, capsys):
    with quiet("pydicom"):
        speak()
    assert not caplog.records
    assert not capsys.readouterr().err
    with pytest.warns(UserWarning, match="odd"):
        speak()
    assert [record.getMessage() for record in caplog.records] == ["odd"]


def test_others_and_errors_are_heard(caplog):
    def fail():
        logging.getLogger("monai_i2v").warning("ours")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), quiet("pydicom"):
        fail()
    assert [record.getMessage() for record in caplog.records] == ["ours"]
    assert logging.getLogger("pydicom").propagate


def test_threads_that_overlap_leave_all_as_it_was(caplog):
    filters, logger = list(warnings.filters), logging.getLogger("pydicom")
    handlers = list(logger.handlers)
    entered, left = threading.Barrier(2), threading.Event()

    def first():
        with quiet("pydicom"):
            entered.wait()
        left.set()

    thread = threading.Thread(target=first)
    thread.start()
    with quiet("pydicom"):  # ends after that of the other thread, which began before or while it
        entered.wait()
        assert left.wait(10)
        speak()
    thread.join()
    assert warnings.filters == filters
    assert logger.propagate
    assert not caplog.records
    assert logger.handlers == handlers
    with pytest.warns(UserWarning, match="odd"):
        speak()


def test_many_threads_leave_all_as_it_was():
    filters, handlers = list(warnings.filters), list(logging.getLogger("PIL").handlers)

    def work(_):
        for _ in range(200):
            with quiet("PIL"), quiet("PIL"):
                pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert warnings.filters == filters
    assert logging.getLogger("PIL").handlers == handlers
    assert logging.getLogger("PIL").propagate


def test_other_threads_hear_their_warnings():
    heard = []
    with quiet("pydicom"), ThreadPoolExecutor(1) as pool:

        def warn_elsewhere():
            with pytest.warns(UserWarning, match="odd"):
                warnings.warn("odd", UserWarning, stacklevel=1)
            heard.append(True)

        pool.submit(warn_elsewhere).result()
    assert heard == [True]
