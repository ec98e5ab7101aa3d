# SPDX-License-Identifier: Apache-2.0
import logging
import warnings

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
