# SPDX-License-Identifier: Apache-2.0
import sys

import pytest

from monai_i2v.errors import UsageError, show_usage_errors_in_one_sentence


@pytest.fixture(autouse=True)
def keep_hook(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)


def wrapped(error):
    """The error as MONAI wraps it."""
    try:
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("Failed to instantiate") from cause
    except RuntimeError as outer:
        return outer


def test_a_usage_error_is_one_sentence_even_when_wrapped(capsys):
    show_usage_errors_in_one_sentence()
    error = wrapped(UsageError("the file is empty; give another."))
    sys.excepthook(type(error), error, error.__traceback__)
    assert capsys.readouterr().err == "\nmonai_i2v: the file is empty; give another.\n"


def test_other_errors_keep_their_traceback(capsys):
    show_usage_errors_in_one_sentence()
    error = wrapped(KeyError("bug"))
    sys.excepthook(type(error), error, error.__traceback__)
    assert "Traceback" in capsys.readouterr().err


def test_debugging_keeps_all_tracebacks(monkeypatch):
    monkeypatch.setenv("MONAI_I2V_DEBUG", "1")
    before = sys.excepthook
    show_usage_errors_in_one_sentence()
    assert sys.excepthook is before


def test_names_of_files_cannot_break_the_line_nor_move_the_cursor():
    assert str(UsageError("a\nb\x1b[2J H\u00e4rz \udcff.mp4 is empty; give another.")) == (
        "a\\nb\\x1b[2J H\u00e4rz \\udcff.mp4 is empty; give another."
    )
