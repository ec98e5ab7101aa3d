# SPDX-License-Identifier: Apache-2.0
"""What is known of every fault, written or compared."""

from __future__ import annotations

import pytest
from all_faults import FAULTS
from fault_table import read_outcomes, write_outcomes

OPTION = "--write-faults"


def pytest_addoption(parser):
    parser.addoption(
        OPTION, action="store_true", help="write outcomes.json and docs/faults.md instead of comparing with them"
    )


@pytest.fixture(scope="session")
def expected(request):
    """Outcomes by fault: those that are known, or what happens now, to be written."""
    if not request.config.getoption(OPTION, default=False):
        yield read_outcomes()
        return
    outcomes: dict[str, str] = {}
    yield outcomes
    if len(outcomes) == len(FAULTS):
        write_outcomes(outcomes, FAULTS)
