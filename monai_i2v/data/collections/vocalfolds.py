# SPDX-License-Identifier: Apache-2.0
"""Vocal folds: laryngeal endoscopy, six kinds of tissue and tools."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["VOCALFOLDS"]

NAME = r"(?P<name>patient\d+/seq\w+/\w+)\.png"

# The authors' own split has both patients in training and test, so it is not used.
VOCALFOLDS = Collection(
    name="vocalfolds",
    title="larynx",
    modality="endoscopy",
    kind="stills",
    classes={
        1: "vocal folds",
        2: "other tissue",
        3: "glottal space",
        4: "pathology",
        5: "surgical tool",
        6: "intubation",
    },  # 0 is void
    source="vocalfolds, https://github.com/imesluh/vocalfolds",
    terms="CC BY 4.0; cite Laves et al., IJCARS 14, 2019",
    published={"all": 536},
    layout="img/patient1/seq1/0001.png with annot/patient1/seq1/0001.png",
    find=NamedFiles(media=(rf"img/{NAME}",), masks=(rf"annot/{NAME}",), group=r"patient\d+"),
    min_pixels=2622,  # 1 % of 512 x 512 px: less of a class is a scrap at the border
)
