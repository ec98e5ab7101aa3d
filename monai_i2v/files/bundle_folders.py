# SPDX-License-Identifier: Apache-2.0
"""What comes along with the package, beside its code: the bundles, and texts."""

from __future__ import annotations

from pathlib import Path

from monai_i2v.errors import UsageError
from monai_i2v.files.user_path import user_path

__all__ = ["CONFIG", "DEFAULT_BUNDLE", "bundle_folders", "find_bundle", "shipped_path"]

DEFAULT_BUNDLE = "temporal_contrastive_memory_video_segmentation"
PACKAGE = Path(__file__).parents[1]
CONFIG = Path("configs", "inference.json")
"""Of each bundle, what segments."""


def shipped_path(name: str) -> Path:
    """A file or folder that comes along: in the package when it was installed from a wheel, beside it in a clone.

    Raises:
        UsageError: When it is in neither place.

    Example::

        >>> from monai_i2v.files.bundle_folders import shipped_path
        >>> shipped_path("docs/options.md").read_text(encoding="utf-8")[:9]
        '# Options'
    """
    for place in (PACKAGE, PACKAGE.parent):
        if (place / name).exists():
            return place / name
    raise UsageError(f"{name} is missing in {PACKAGE}, expected what the wheel brings along; install monai_i2v again.")


def bundle_folders() -> dict[str, Path]:
    """Folders of the bundles that come along, by name.

    Example::

        >>> from monai_i2v.files.bundle_folders import bundle_folders
        >>> [*bundle_folders()][:2]
        ['consistency_relearning_video_segmentation', 'one_shot_image_segmentation']
    """
    configs = shipped_path("bundles").glob(f"*/{CONFIG.as_posix()}")
    return {folder.name: folder for folder in sorted(config.parents[1] for config in configs)}


def find_bundle(bundle: str | Path | None = None) -> Path:
    """The folder of a bundle.

    Args:
        bundle: a folder, or the name of a bundle that comes along, or how that begins; `DEFAULT_BUNDLE` when None.

    Raises:
        UsageError: When there is none.

    Example::

        >>> from monai_i2v.files.bundle_folders import find_bundle
        >>> find_bundle("one_shot").name
        'one_shot_image_segmentation'
    """
    if bundle is not None and (user_path(bundle) / CONFIG).is_file():
        return user_path(bundle)
    folders = bundle_folders()
    name = DEFAULT_BUNDLE if bundle is None else str(bundle)
    found = [folder for known, folder in folders.items() if known.startswith(name)] if name else []
    if len(found) != 1:
        raise UsageError(
            f"{name!r} is no bundle, expected a folder with {CONFIG.as_posix()}, or one of {', '.join(folders)}; "
            "give such a folder or name."
        )
    return found[0]
