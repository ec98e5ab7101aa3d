# SPDX-License-Identifier: Apache-2.0
"""CHASE_DB1: vessels of the retina of children."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["CHASE_DB1"]

NAME = r"(?P<name>Image_\d+[LR])"

CHASE_DB1 = Collection(
    name="chase_db1",
    title="retinal vessels",
    modality="fundus photography",
    kind="stills",
    classes={1: "vessel"},
    source="CHASE_DB1, https://blogs.kingston.ac.uk/retinal/chasedb1/",
    terms="CC BY 4.0; cite Fraz et al., IEEE TBME 59, 2012",
    published={"all": 28},
    layout="Image_01L.jpg beside Image_01L_1stHO.png",
    # The first observer; "2ndHO" is the second. Both eyes belong to one child.
    find=NamedFiles(media=(rf"{NAME}\.jpg",), masks=(rf"{NAME}_1stHO\.png",), group=r"Image_\d+"),
)
