# SPDX-License-Identifier: Apache-2.0
"""Whatever is given ends in masks that are right, or in one clear sentence; see `docs/faults.md`."""

from __future__ import annotations

import pytest
from all_faults import FAULTS
from fault import good_input
from fault_table import escape, kind_of
from user import User, check_log

from monai_i2v.report import time_curve


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_ends_as_the_table_says(name, tmp_path, monkeypatch, caplog, fault_table, request):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time_curve, "DPI", 30)  # the picture takes most of the time
    fault = FAULTS[name]
    user = User(tmp_path, {**good_input(tmp_path), **fault.make(tmp_path)})
    outcome = user.walk()
    check_log(caplog.records, len(user.cases))
    if request.config.getoption("--write-fault-table", default=False):
        fault_table[name] = outcome
    elif fault.is_fixed:
        assert escape(outcome) == fault_table[escape(name)]
    else:
        assert kind_of(outcome) == kind_of(fault_table[escape(name)])


def test_the_table_has_these_faults_and_no_others(fault_table, request):
    if not request.config.getoption("--write-fault-table", default=False):
        assert list(fault_table) == [escape(name) for name in FAULTS]
        assert len(FAULTS) >= 150
