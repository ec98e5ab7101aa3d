# SPDX-License-Identifier: Apache-2.0
import doctest
import importlib
import pkgutil

import pytest

import monai_i2v


def modules_with_examples():
    names = sorted(module.name for module in pkgutil.walk_packages(monai_i2v.__path__, "monai_i2v."))
    found = {name: doctest.DocTestFinder().find(importlib.import_module(name)) for name in names}
    return [name for name, tests in found.items() if any(test.examples for test in tests)]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_in_docstrings_say_what_happens(name):
    assert doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS).failed == 0
