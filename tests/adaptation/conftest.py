# SPDX-License-Identifier: Apache-2.0
import pytest

from monai_i2v.adaptation import reference_views


@pytest.fixture(autouse=True)
def few_views(monkeypatch):
    """Three copies of a reference frame are as good as sixteen, and five times faster."""
    monkeypatch.setattr(reference_views, "VIEWS", 3)
