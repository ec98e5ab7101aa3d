# SPDX-License-Identifier: Apache-2.0
import doctest
import importlib
import pkgutil

import pytest

import monai_i2v

MODULES = sorted(module.name for module in pkgutil.walk_packages(monai_i2v.__path__, "monai_i2v."))


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_say_what_happens(name):
    assert doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS).failed == 0
