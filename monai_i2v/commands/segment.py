# SPDX-License-Identifier: Apache-2.0
"""The command ``python -m monai_i2v segment``: a bundle's ``python -m monai.bundle run``, with less to type."""

from __future__ import annotations

import os
import runpy
import shlex
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from monai_i2v.commands.option_texts import option_texts, preset_texts
from monai_i2v.errors import UsageError
from monai_i2v.files.bundle_folders import CONFIG, bundle_folders, find_bundle
from monai_i2v.files.user_path import user_path

__all__ = ["BundleRun", "main", "read_arguments"]

USAGE = """\
python -m monai_i2v segment VIDEO MASK [--output_dir DIR] [--bundle NAME] [--OPTION VALUE ...]

Segments VIDEO from MASK, the mask of its first frame, and prints the command of MONAI that does it.

  VIDEO              movie, DICOM, NIfTI, folder of frames ...
  MASK               0 is background, every other value an object
  --output_dir DIR   folder of all results; if not given, `results` beside the video
  --bundle NAME      name or folder of a bundle; python -m monai_i2v bundles lists them
  --datalist FILE    many videos instead of VIDEO and MASK

Further options go to the bundle:
"""
OWN = ("video", "ref_mask", "output_dir", "datalist")  # that USAGE explains
MOVIE = "recording.mp4 mask.png"


class BundleRun(NamedTuple):
    """A run of a bundle: the options of ``monai.bundle run``; None where only a name was given."""

    options: Mapping[str, str | None]

    @property
    def words(self) -> list[str]:
        """What stands after ``python -m monai.bundle``."""
        given = (f"--{name}" if value is None else f"--{name}={value}" for name, value in self.options.items())
        return ["run", *given]

    def __str__(self) -> str:
        words = ["python", "-m", "monai.bundle", *self.words]
        return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def main(arguments: Sequence[str]) -> None:
    """Segment.

    Args:
        arguments: what follows the command's name.

    Raises:
        UsageError: When it cannot be done.
    """
    if not arguments or {"-h", "--help"} & set(arguments):
        sys.stdout.write(_help(arguments))
        return
    run = read_arguments(arguments)
    sys.stdout.write(f"{run}\n")
    sys.stdout.flush()
    if run.options["config_file"] in {str(folder / CONFIG) for folder in bundle_folders().values()}:
        # It is no stranger's program; SECURITY.md says what MONAI warns of.
        warnings.filterwarnings("ignore", "parsing config_file")
    sys.argv = ["monai.bundle", *run.words]
    runpy.run_module("monai.bundle", run_name="__main__", alter_sys=True)
    sys.stdout.write(f"monai_i2v: {_where(run.options)}\n")


def read_arguments(arguments: Sequence[str]) -> BundleRun:
    """What is to be run.

    Args:
        arguments: what follows the command's name.

    Raises:
        UsageError: When something is missing, or too much.

    Example::

        >>> from monai_i2v.commands.segment import read_arguments
        >>> run = read_arguments(["a/cine.mp4", "mask.png", "--size", "192"])
        >>> [run.options[name] for name in ("video", "ref_mask", "size", "output_dir")]
        ['a/cine.mp4', 'mask.png', '192', 'a/results']
    """
    words = list(takewhile(lambda word: not word.startswith("-"), arguments))
    if len(words) > 2:
        raise UsageError(f"{words[2]!r} is one word too many, expected VIDEO MASK; options have names, such as --size.")
    options = {**dict(zip(("video", "ref_mask"), words, strict=False)), **_pairs(arguments[len(words) :])}
    listed = options.get("datalist")
    if not listed and not (options.get("video") and options.get("ref_mask")):
        missing = "mask" if options.get("video") else "video"
        raise UsageError(f"the {missing} is missing, expected VIDEO MASK or --datalist FILE.json; give {MOVIE}.")
    bundle = find_bundle(options.pop("bundle", None))
    logging_file = Path(__file__).with_name("quiet_logging.conf")
    own = {"config_file": str(bundle / CONFIG), "bundle_root": str(bundle), "logging_file": str(logging_file)}
    beside = _folder_of(Path(listed or options["video"] or "")) / "results"
    return BundleRun({**own, "output_dir": str(beside), **options})


def _pairs(words: Sequence[str]) -> dict[str, str | None]:
    """Options and their values: ``--name value``, ``--name=value``, or ``--name`` alone."""
    options: dict[str, str | None] = {}
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not name.startswith("--") or name == "--":
            raise UsageError(f"{name!r} is no option, expected --OPTION VALUE; put quotes around values with spaces.")
        has_value = bool(equals) or (bool(rest) and not rest[0].startswith("--"))
        options[name[2:]] = (value if equals else rest.pop(0)) if has_value else None
    return options


def _folder_of(video: Path) -> Path:
    """The folder that a video lies in; of a glob, the one that its folder lies in."""
    if video.name in ("", ".."):
        video = Path(os.path.abspath(video))
    magic = [folder for folder in (video, *video.parents) if "*" in folder.name]
    return (magic[-1].parent if magic else video).parent


def _where(options: Mapping[str, str | None]) -> str:
    """Where the results are, and what to look at first."""
    from monai_i2v.data.video_case import list_cases

    output_dir = user_path(str(options["output_dir"]))
    cases = list_cases(options.get("video"), datalist=options.get("datalist"), to_draw=True)
    folders = [output_dir / case.name for case in cases]
    if not all((folder / "report.html").is_file() for folder in folders):  # another config writes other things
        return f"the results are in {output_dir}."
    if len(folders) > 1:
        return f"the results are in {output_dir}, a folder per video; look at report.html in each, and summary.csv."
    return f"the results are in {folders[0]}; look at {folders[0] / 'report.html'} first."


def _help(arguments: Sequence[str]) -> str:
    """The usage, and the options page's text on a bundle."""
    words = list(takewhile(lambda word: not word.startswith("-"), arguments))
    asked = [word for word in arguments[len(words) :] if word not in ("-h", "--help")]
    bundle = find_bundle(_pairs(asked).get("bundle")).name
    options = {name: text for name, text in option_texts(bundle).items() if name not in OWN}
    lines = [_entry(f"--{name} {text.default}", text.about) for name, text in options.items()]
    presets = [_entry(name, about) for name, about in preset_texts(bundle).items()]
    return "\n".join([f"usage: {USAGE}", *lines, "", f"Presets of {bundle}:", "", *presets, ""])


def _entry(name: str, about: str) -> str:
    return f"  {name}\n" + textwrap.fill(about, 100, initial_indent=" " * 6, subsequent_indent=" " * 6)
