# SPDX-License-Identifier: Apache-2.0
"""The table of faults, written or compared."""

from __future__ import annotations

import pytest
from all_faults import FAULTS
from fault_table import read_table, write_table

OPTION = "--write-fault-table"


def pytest_addoption(parser):
    parser.addoption(OPTION, action="store_true", help="write docs/faults.md instead of comparing with it")


@pytest.fixture(scope="session")
def fault_table(request):
    """Outcomes by fault: those of the table, or what happens now, for a new one."""
    if not request.config.getoption(OPTION, default=False):
        yield read_table()
        return
    outcomes: dict[str, str] = {}
    yield outcomes
    if len(outcomes) == len(FAULTS):
        write_table(outcomes, FAULTS)
