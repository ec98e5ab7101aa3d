# SPDX-License-Identifier: Apache-2.0
"""Places that results cannot go to, or that hold something already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from fault import Fault
from media import content, draw_mask, nifti, picture


def outputs() -> Iterator[Fault]:
    """Output directories."""

    def at(prepare: Callable[[Path], Path]):
        return lambda folder: {"output_dir": prepare(folder / "results")}

    def written(path: Path, text: str = "mine") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def linked(path: Path, target: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
        return path

    yield Fault("Outputs", "a file", at(written))
    yield Fault("Outputs", "below a file", at(lambda out: written(out) / "below"))
    yield Fault("Outputs", "three folders that are not there", at(lambda out: out / "a/b/c"))
    yield Fault("Outputs", "a folder of the system", at(lambda out: Path("/proc/results")))
    yield Fault("Outputs", "a link to nothing", at(lambda out: linked(out, Path("gone"))))
    yield Fault("Outputs", "a loop of links", at(lambda out: linked(out, out)))
    yield Fault("Outputs", "a name with a line break", at(lambda out: out / "a\nb"))
    yield Fault("Outputs", "a name with a colon", at(lambda out: out / "file:a"))
    yield Fault("Outputs", "a name with percent signs", at(lambda out: out / "%05d%s{0}"))
    yield Fault("Outputs", "a name of 300 characters", at(lambda out: out / ("x" * 300)))
    yield Fault("Outputs", "holds a file of the video's name", at(lambda out: written(out / "video").parent))
    yield Fault(
        "Outputs", "holds a folder of the video's name", at(lambda out: written(out / "video/diary.txt").parents[1])
    )
    yield Fault(
        "Outputs",
        "holds a link to nothing of the video's name",
        at(lambda out: linked(out / "video", out / "gone").parent),
    )
    yield Fault(
        "Outputs",
        "holds what a killed run left",
        at(lambda out: written(out / ".partial-1/new/masks/0.png").parents[3]),
    )
    yield Fault("Outputs", "the folder of the input itself", beside_its_input)
    for name, limits in {
        "video.mp4": (50, 300, 3000, 10**6),
        "video.nii.gz": (50, 3000, 10**6),
        "video.mha": (50, 3000, 10**6),
    }.items():
        for limit in limits:
            yield Fault("Full disk", f"{name}, no file larger than {limit} bytes", limited(name, limit), is_fixed=False)


def beside_its_input(folder: Path):
    (folder / "frames").mkdir()
    picture(folder / "frames/0.png")
    return {"video": folder / "frames", "output_dir": folder}


def limited(name: str, limit: int):
    def make(folder: Path):
        (folder / name).write_bytes(content(name))
        nifti(folder / "mask.nii.gz", draw_mask()[None])
        return {"video": folder / name, "ref_mask": folder / "mask.nii.gz", "file_limit": limit}

    return make
