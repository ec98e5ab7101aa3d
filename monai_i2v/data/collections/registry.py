# SPDX-License-Identifier: Apache-2.0
"""All collections that are known."""

from __future__ import annotations

from monai_i2v.data.collections.asu_mayo import ASU_MAYO
from monai_i2v.data.collections.brain_tumor import BRAIN_TUMOR
from monai_i2v.data.collections.busi import BUSI
from monai_i2v.data.collections.camus import CAMUS
from monai_i2v.data.collections.chase_db1 import CHASE_DB1
from monai_i2v.data.collections.clip_folder import CLIP_FOLDER
from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.covid_ct import COVID_CT
from monai_i2v.data.collections.cvc_clinicdb import CVC_CLINICDB
from monai_i2v.data.collections.drive import DRIVE
from monai_i2v.data.collections.hmc_qu import HMC_QU
from monai_i2v.data.collections.isic import ISIC_2017, ISIC_2018
from monai_i2v.data.collections.mmotu import MMOTU
from monai_i2v.data.collections.paired_folder import PAIRED_FOLDER
from monai_i2v.data.collections.pascal_5i import PASCAL_5I
from monai_i2v.data.collections.qata_cov19 import QATA_COV19
from monai_i2v.data.collections.stare import STARE
from monai_i2v.data.collections.tn3k import TN3K
from monai_i2v.data.collections.vocalfolds import VOCALFOLDS
from monai_i2v.errors import UsageError

__all__ = ["COLLECTIONS", "describe_collections", "find_collection"]

COLLECTIONS = (
    *(BUSI, TN3K, MMOTU, VOCALFOLDS, BRAIN_TUMOR, QATA_COV19, COVID_CT, DRIVE, STARE, CHASE_DB1),
    *(ISIC_2017, ISIC_2018, PASCAL_5I, PAIRED_FOLDER),
    *(CAMUS, HMC_QU, ASU_MAYO, CVC_CLINICDB, CLIP_FOLDER),
)


def find_collection(name: str) -> Collection:
    """The collection of a name.

    Raises:
        UsageError: When there is none.

    Example::

        >>> from monai_i2v.data.collections import find_collection
        >>> find_collection("camus").classes[3]
        'left atrium'
    """
    by_name = {collection.name: collection for collection in COLLECTIONS}
    if name not in by_name:
        raise UsageError(f"there is no collection {name!r}; expected one of {', '.join(by_name)}; choose one.")
    return by_name[name]


def describe_collections() -> str:
    """A table of all collections, in Markdown.

    Example::

        >>> from monai_i2v.data.collections.registry import describe_collections
        >>> describe_collections().splitlines()[0]
        '| name | what | kind | published | source | terms |'
    """
    rows = [
        (item.name, f"{item.modality}: {item.title}", item.kind, _counts(item), item.source, item.terms)
        for item in COLLECTIONS
    ]
    heading = ("name", "what", "kind", "published", "source", "terms")
    lines = [heading, ("---",) * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _counts(collection: Collection) -> str:
    counts = collection.published.items()
    return ", ".join(str(count) if split == "all" else f"{count} {split}" for split, count in counts)
