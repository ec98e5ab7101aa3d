# SPDX-License-Identifier: Apache-2.0
"""COVID-19 lesions in chest CT."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["COVID_CT"]

COVID_CT = Collection(
    name="covid_ct",
    title="COVID-19 lesions of the lung",
    modality="CT",
    kind="stills",
    classes={1: "lung lesion"},
    source="COVID-19 CT scan lesion segmentation, "
    "https://www.kaggle.com/datasets/maedemaftouni/covid19-ct-scan-lesion-segmentation-dataset",
    terms="see the page, and those of the three collections that it names",
    published={"all": 2729},
    layout="frames/a.png with masks/a.png",
    find=NamedFiles(media=(r"frames/(?P<name>[^/]+)\.png",), masks=(r"masks/(?P<name>[^/]+)\.png",)),
)
