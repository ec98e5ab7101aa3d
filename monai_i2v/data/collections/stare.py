# SPDX-License-Identifier: Apache-2.0
"""STARE: vessels of the retina."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["STARE"]

STARE = Collection(
    name="stare",
    title="retinal vessels",
    modality="fundus photography",
    kind="stills",
    classes={1: "vessel"},
    source="STARE, https://cecas.clemson.edu/~ahoover/stare/",
    terms="see the page; cite Hoover et al., IEEE TMI 19, 2000",
    published={"all": 20},  # of 397 images
    layout="im0001.ppm.gz with labels-ah/im0001.ah.ppm.gz",
    find=NamedFiles(
        media=(r"(?P<name>im\d+)\.ppm", r"(?P<name>im\d+)\.ppm\.gz"),
        # The first observer; "vk" is the second.
        masks=(r"(?P<name>im\d+)\.ah\.ppm", r"(?P<name>im\d+)\.ah\.ppm\.gz"),
    ),
)
