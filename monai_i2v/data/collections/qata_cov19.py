# SPDX-License-Identifier: Apache-2.0
"""QaTa-COV19: COVID-19 infection in chest X-rays."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["QATA_COV19"]

# Version 2 has two splits; version 1 lies beside it in the same archive, with other names and fewer images.
V2 = r"(?P<split>train|test) set"

QATA_COV19 = Collection(
    name="qata_cov19",
    title="COVID-19 infection of the lung",
    modality="X-ray",
    kind="stills",
    classes={1: "infected region"},
    source="QaTa-COV19 (version 2), https://www.kaggle.com/datasets/aysendegerli/qatacov19-dataset",
    terms="see the page; cite Degerli et al., ICIP 2022",
    published={"training": 7145, "test": 2113},
    layout="QaTa-COV19-v2/Train Set/Images/a.png with Train Set/Ground-truths/mask_a.png, and Test Set",
    find=NamedFiles(
        media=(rf"{V2}/images/(?P<name>[^/]+)\.png",), masks=(rf"{V2}/ground-truths/mask_(?P<name>[^/]+)\.png",)
    ),
)
