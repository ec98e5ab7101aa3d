# SPDX-License-Identifier: Apache-2.0
"""Public data sets: how they lie on disk, and datalists of them."""

from monai_i2v.data.collections.benchmark import BENCHMARKS, Benchmark, read_benchmark
from monai_i2v.data.collections.check import Check
from monai_i2v.data.collections.clip_folder import clip_folder
from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.cvc_clinicdb import SEQUENCE_ENDS
from monai_i2v.data.collections.datalist import write_collection, write_datalist
from monai_i2v.data.collections.hold_out import hold_out
from monai_i2v.data.collections.paired_folder import paired_folder
from monai_i2v.data.collections.part import Part
from monai_i2v.data.collections.pascal_5i import fold_classes
from monai_i2v.data.collections.registry import COLLECTIONS, describe_collections, find_collection
from monai_i2v.data.collections.sample import Sample
