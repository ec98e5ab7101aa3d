# SPDX-License-Identifier: Apache-2.0
"""Options of a training that go to classes of MONAI and torch, which take what makes no sense, or fail late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from monai.bundle import ConfigParser

from monai_i2v.errors import UsageError
from monai_i2v.options.numbers import MAX_SEED, read_choice, read_number, read_whole_number
from monai_i2v.options.switch import read_switch

__all__ = ["check_training_options"]


def read_names(name: str, value: Any, least: int = 1) -> Any:
    """A list of texts; None, which a config may have, is left to the reader."""
    is_list = isinstance(value, list | tuple) and len(value) >= least and all(isinstance(one, str) for one in value)
    if value is not None and not is_list:
        expected = "a list of names" if least == 0 else "a list of one name or more"
        raise UsageError(f"{name} is {value!r:.80}, expected {expected}; use brackets and quotes, as \"['a','b']\".")
    return value


_count = partial(read_whole_number, least=1)
_rate = partial(read_number, least=1e-8, most=1)

KINDS: Mapping[str, Callable[[str, Any], Any]] = {
    "image_size": partial(read_whole_number, least=32, most=4096, use=256),
    "max_epochs": partial(_count, use=40),
    "steps_per_epoch": partial(_count, use=125),
    "batch_size": partial(_count, most=4096, use=8),
    "num_workers": partial(read_whole_number, least=0, most=1024, use=1),
    "learning_rate": partial(_rate, use=0.0005),
    "encoder_learning_rate": partial(_rate, use=0.0001),
    "amp": read_switch,
    "amp_dtype": partial(read_choice, choices=("bfloat16", "float16"), use="bfloat16"),
    "seed": partial(read_whole_number, least=0, most=MAX_SEED, use=0),
    "same_image": partial(read_number, least=0, most=1, use=0.5),
    "share": partial(read_number, least=0, most=1, use=0.5),
    "val_interval": partial(_count, use=4),
    "val_episodes": partial(_count, use=160),
    "val_clips": partial(_count, use=200),
    "train_sets": read_names,
    "val_sets": read_names,
    "clip_sets": read_names,
    "held_out_names": partial(read_names, least=0),
}


def check_training_options(parser: ConfigParser) -> None:
    """See that those of these options that a config has are within their limits.

    Args:
        parser: of the config; what it makes of an option counts.

    Raises:
        UsageError: When one is not.
    """
    config = parser.get()
    for name, read in KINDS.items():
        if name in config:  # of a name that is not there, `parser` would look for the nearest
            read(name, parser.get_parsed_content(name))
