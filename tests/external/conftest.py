# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys

import pytest
from stand_ins import CLONES, PACKAGES, write


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """The packages that clones need, as if they were installed."""
    monkeypatch.syspath_prepend(str(write(tmp_path / "packages", PACKAGES)))
    tops = {"omegaconf", "hydra", "torchvision", "sam2"}
    yield tmp_path / "packages"
    for name in [name for name in sys.modules if name.partition(".")[0] in tops]:
        del sys.modules[name]


@pytest.fixture
def clone(tmp_path, packages):
    """Writes the stand-in of a system's clone."""

    def clone(method, folder="clone"):
        return write(tmp_path / folder, CLONES[method])

    return clone
