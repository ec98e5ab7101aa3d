# SPDX-License-Identifier: Apache-2.0
"""DRIVE: vessels of the retina."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["DRIVE"]

# "mask/" holds the field of view, "2nd_manual/" a second observer of the test images: both are not read.
DRIVE = Collection(
    name="drive",
    title="retinal vessels",
    modality="fundus photography",
    kind="stills",
    classes={1: "vessel"},
    source="DRIVE, https://drive.grand-challenge.org",
    terms="for research, after registration; cite Staal et al., IEEE TMI 23, 2004",
    published={"training": 20, "test": 20},  # the present release has no masks for the test images
    layout="training/images/21_training.tif with training/1st_manual/21_manual1.gif, and test",
    find=NamedFiles(
        media=(r"(?P<split>training|test)/images/(?P<name>\d+)_\w+\.tif",),
        masks=(r"(?P<split>training|test)/1st_manual/(?P<name>\d+)_manual1\.gif",),
    ),
)
