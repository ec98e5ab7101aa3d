# SPDX-License-Identifier: Apache-2.0
"""Segment a medical video from the mask of one frame, with networks that learned from still images.

Subpackages are imported when they are asked for: ``import monai_i2v`` costs nothing.
"""

from importlib import import_module
from types import ModuleType

from monai_i2v.version import __version__

__all__ = [
    "adaptation",
    "app",
    "compute",
    "data",
    "engines",
    "errors",
    "export",
    "external",
    "files",
    "handlers",
    "inferers",
    "losses",
    "masks",
    "media",
    "memory",
    "metrics",
    "networks",
    "optimizers",
    "options",
    "phantoms",
    "propagation",
    "report",
    "session",
    "tracking",
    "transforms",
]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
