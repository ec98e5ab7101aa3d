# SPDX-License-Identifier: Apache-2.0
"""A phantom on disk: a movie and its true masks, as a person would have them."""

from __future__ import annotations

from pathlib import Path

from monai_i2v.files.complete_file import complete_file
from monai_i2v.masks.palette import png_palette
from monai_i2v.masks.png_masks import save_png_labels
from monai_i2v.media.movie_writer import MovieWriter
from monai_i2v.phantoms.phantom import MAX_OBJECTS, Phantom

__all__ = ["save_phantom"]


def save_phantom(phantom: Phantom, folder: str | Path) -> None:
    """Write ``video.mp4`` and ``masks/00000.png``, ``masks/00001.png`` ... (indexed, values 0 to 3).

    The movie is compressed, so its frames differ slightly from the phantom's; odd sizes are padded to even
    ones in the movie, not in the masks: choose even sizes for pairs that fit.

    Args:
        phantom: what to write.
        folder: where to; it is made if it does not exist.

    Raises:
        UsageError: When the folder cannot be written.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.phantoms.phantom import Phantom
        >>> from monai_i2v.phantoms.save_phantom import save_phantom
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_phantom(Phantom(length=2, size=(32, 32)), folder)
        ...     sorted(path.name for path in Path(folder).rglob("*.*"))
        ['00000.png', '00001.png', 'video.mp4']
    """
    info = phantom.info
    palette = png_palette(range(1, MAX_OBJECTS + 1))
    path = Path(folder, "video.mp4")
    with MovieWriter(path, size=(info.height, info.width), frame_time=info.frame_time) as movie:
        for index in range(len(phantom)):
            movie.write(phantom.read(index))
            with complete_file(Path(folder, "masks", f"{index:05d}.png")) as partial:
                save_png_labels(partial, phantom.label_map(index), palette)
