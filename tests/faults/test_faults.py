# SPDX-License-Identifier: Apache-2.0
"""Whatever is given ends in masks that are right, or in one clear sentence; see `docs/faults.md`."""

from __future__ import annotations

import pytest
from all_faults import FAULTS
from fault import good_input
from fault_table import PAGE, kind_of, page, read_outcomes
from user import User, check_log

from monai_i2v.report import time_curve


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_ends_as_it_is_known_to(name, tmp_path, monkeypatch, caplog, expected, request):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time_curve, "DPI", 30)  # the picture takes most of the time
    fault = FAULTS[name]
    user = User(tmp_path, {**good_input(tmp_path), **fault.make(tmp_path)})
    outcome = user.walk()
    check_log(caplog.records, len(user.cases))
    if request.config.getoption("--write-faults", default=False):
        expected[name] = outcome
    elif fault.is_fixed:
        assert outcome == expected[name]
    else:
        assert kind_of(outcome) == kind_of(expected[name])


def test_the_page_tells_of_these_faults_and_no_others(request):
    if not request.config.getoption("--write-faults", default=False):
        assert list(read_outcomes()) == list(FAULTS)
        assert PAGE.read_text(encoding="utf-8") == page(read_outcomes(), FAULTS)
        assert len(FAULTS) >= 350
