# SPDX-License-Identifier: Apache-2.0
"""Every Python that we promise has one pin of each package; `.ci/resolve` asks whether they go together."""

import configparser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
# Needed by others; what they ask for is right.
UNPINNED = {"mlflow"}


@pytest.fixture
def setup_cfg():
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg")
    return parser


def pins(python):
    lines = (line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#"))
    found = [Requirement(line) for line in lines]
    return [one for one in found if one.marker is None or one.marker.evaluate({"python_version": python})]


@pytest.mark.parametrize("python", PYTHONS)
def test_a_package_has_one_pin_which_fits_what_we_ask_for(python, setup_cfg):
    chosen = pins(python)
    by_name = {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in chosen}
    assert len(by_name) == len(chosen)
    extras = setup_cfg["options.extras_require"].values()
    asked = [line for text in (setup_cfg["options"]["install_requires"], *extras) for line in text.split("\n") if line]
    for requirement in (Requirement(line) for line in asked if not line.startswith("%")):
        name = canonicalize_name(requirement.name)
        assert name in UNPINNED or requirement.specifier.contains(by_name[name]), requirement


def test_the_pythons_that_are_promised_are_those_of_the_pins(setup_cfg):
    promised = SpecifierSet(setup_cfg["options"]["python_requires"])
    assert [f"3.{minor}" for minor in range(30) if f"3.{minor}" in promised] == PYTHONS
    told = [line.rpartition(" ")[2] for line in setup_cfg["metadata"]["classifiers"].split("\n") if ":: 3." in line]
    assert told == PYTHONS
    assert setup_cfg["mypy"]["python_version"] == PYTHONS[0]
