# SPDX-License-Identifier: Apache-2.0
import json
import re
from pathlib import Path

import pytest

from monai_i2v.adaptation import MEMORY_NET_PRESETS, PRESETS, RELEARNING_PRESETS
from monai_i2v.adaptation.presets import IMAGE_NET_PRESETS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/options.md").read_text()
BUNDLES = {
    "memory": "temporal_contrastive_memory_video_segmentation",
    "image": "one_shot_image_segmentation",
    "TTT": "test_time_training_video_segmentation",
    "RAB": "consistency_relearning_video_segmentation",
}
# MONAI asks for these, or they say where the configuration is.
INNER = {"_desc_", "imports", "bundle_root"}


def table(heading):
    """Rows of the table below a heading of the page, each a dictionary from column to text."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE, re.S | re.M)[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def options(bundle, file):
    """What stands in a configuration before the network: the settings of a person, with their defaults as shown."""
    config = json.loads((ROOT / "bundles" / BUNDLES[bundle] / "configs" / file).read_text())
    keys = list(config)[: list(config).index("network_def")]
    return {key: shown(config[key]) for key in keys if key not in INNER}


def shown(value):
    """A default as the page shows it."""
    return re.sub(r"^\$@bundle_root \+ '(.*)'$", r"BUNDLE\1", str(value))


def told(heading, bundle):
    """Option and default of each row of the page that is about a bundle."""
    return {row["option"].strip("`"): row[bundle].strip("`") for row in table(heading) if row[bundle]}


@pytest.mark.parametrize("bundle", BUNDLES)
def test_every_option_for_segmenting_is_on_the_page_with_its_default(bundle):
    real = options(bundle, "inference.json")
    del real["dataset_dir"]  # without effect here
    assert told("Segmenting (`inference.json`)", bundle) == real


@pytest.mark.parametrize("bundle", ["memory", "image"])
def test_every_option_of_training_is_on_the_page_with_its_default(bundle):
    in_words = {"train_sets", "val_sets", "device"}
    page, real = told("Training (`train.json`)", bundle), options(bundle, "train.json")
    assert page.keys() == real.keys()
    assert {key for key in page if page[key] != real[key]} == in_words


def test_every_preset_is_on_the_page():
    listed = [(row["bundle"], row["preset"].strip("`")) for row in table("Presets")]
    real = {"memory": MEMORY_NET_PRESETS, "image": IMAGE_NET_PRESETS, "TTT": PRESETS, "RAB": RELEARNING_PRESETS}
    assert sorted(listed) == sorted((bundle, preset) for bundle, presets in real.items() for preset in presets)


def test_every_option_of_a_published_system_is_on_the_page_with_its_default():
    page = {
        row["option"].strip("`"): row["default"].strip("`") for row in table("A published system (`external.json`)")
    }
    assert page == options("memory", "external.json")
