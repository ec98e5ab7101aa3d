# SPDX-License-Identifier: Apache-2.0
"""A malformed or awkward input, and how groups of them are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from media import content, draw_mask, flipped, picture, truncated

Given: TypeAlias = Mapping[str, Any]
Make: TypeAlias = Callable[[Path], Given]
"""Puts an input into a folder, and returns the arguments; those that are missing are `good_input`."""


class Fault(NamedTuple):
    """An input, and what a user gives with it.

    Args:
        group: heading in the table.
        name: row in the table.
        make: see `Make`.
        is_fixed: whether the sentence is always the same; that of damaged bytes is up to the libraries.
    """

    group: str
    name: str
    make: Make
    is_fixed: bool = True

    @property
    def id(self) -> str:
        """Name in a test report."""
        return f"{self.group}: {self.name}"


def good_input(folder: Path) -> dict[str, Path]:
    """A video and its mask, which nothing is wrong with."""
    (folder / "video.mha").write_bytes(content("video.mha"))
    picture(folder / "mask.png", draw_mask())
    return {"video": folder / "video.mha", "ref_mask": folder / "mask.png"}


def with_mask(folder: Path, video: Path | str, size: tuple[int, int], **given: Any) -> dict[str, Any]:
    """Arguments with a mask of this size."""
    return {"video": video, "ref_mask": picture(folder / "mask.png", draw_mask(size)), **given}


def given_as(argument: str, path: Path) -> dict[str, Any]:
    """A path as an argument; a list of videos takes the place of video and mask."""
    return {argument: path} if argument != "datalist" else {"video": None, "ref_mask": None, argument: path}


def damaged_file(name: str, argument: str, damage: Callable[[bytes], bytes]) -> Make:
    """A file of `media`, damaged, as an argument."""

    def make(folder: Path) -> Given:
        (folder / name).write_bytes(damage(content(name)))
        truth = {"truth": draw_mask()} if argument == "ref_mask" else {}
        return {**given_as(argument, folder / name), **truth}

    return make


def truncations(group: str, name: str, argument: str, tenths: Sequence[int]) -> Iterator[Fault]:
    """The first tenths of a file."""
    for count in tenths:
        make = damaged_file(name, argument, lambda good, count=count: truncated(good, count))
        yield Fault(group, f"{name}, {10 * count} % of it", make, is_fixed=False)


def flips(group: str, name: str, argument: str, where: Sequence[tuple[str, int]]) -> Iterator[Fault]:
    """Wrong bytes in the first tenth of a file (``"start"``), or in the rest, by seed."""
    for place, seed in where:
        end = len(content(name)) // 10
        part = slice(0, end) if place == "start" else slice(end, None)
        make = damaged_file(name, argument, lambda good, seed=seed, part=part: flipped(good, seed, part))
        yield Fault(group, f"{name}, wrong bytes at its {place} ({seed})", make, is_fixed=False)
