# SPDX-License-Identifier: Apache-2.0
"""Checkpoints and devices that are not what they should be."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from fault import Fault
from media import checkpoint


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def weights() -> Iterator[Fault]:
    """Files that torch can, or cannot, load."""

    def of(**changes: Any):
        return lambda folder: {"checkpoint": checkpoint(folder / "weights.pt", **changes)}

    def saved(thing: Any):
        def make(folder: Path):
            torch.save(thing, folder / "weights.pt")
            return {"checkpoint": folder / "weights.pt"}

        return make

    def bomb(folder: Path):
        torch.save({"model": Bomb(folder / "out" / "executed")}, folder / "weights.pt")
        return {"checkpoint": folder / "weights.pt"}

    def plain_bomb(folder: Path):
        (folder / "weights.pt").write_bytes(pickle.dumps(Bomb(folder / "out" / "executed")))
        return {"checkpoint": folder / "weights.pt"}

    def zipped(folder: Path):
        with zipfile.ZipFile(folder / "weights.pt", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", bytes(10_000_000))
        return {"checkpoint": folder / "weights.pt"}

    one = torch.ones(1, 1, 1, 1)
    yield Fault("Checkpoints", "NaN", of(**{"gain.weight": one * torch.nan}))
    yield Fault("Checkpoints", "infinite", of(**{"gain.bias": torch.full((1,), torch.inf)}))
    yield Fault("Checkpoints", "half precision", of(**{"gain.weight": one.half()}))
    yield Fault("Checkpoints", "double precision", of(**{"gain.weight": one.double()}))
    yield Fault("Checkpoints", "whole numbers", of(**{"gain.weight": one.int()}))
    yield Fault("Checkpoints", "without storage (meta)", of(**{"gain.weight": one.to("meta")}))
    yield Fault("Checkpoints", "of another size", of(**{"gain.weight": torch.ones(2, 1, 1, 1)}))
    yield Fault("Checkpoints", "with a tensor too many", of(other=one))
    yield Fault("Checkpoints", "a text in place of a tensor", of(**{"gain.weight": "one"}))
    yield Fault("Checkpoints", "of another network", saved(torch.nn.Linear(2, 2).state_dict()))
    yield Fault("Checkpoints", "a list", saved([one]))
    yield Fault("Checkpoints", "a number", saved(3))
    yield Fault("Checkpoints", "nothing", saved(None))
    yield Fault("Checkpoints", "numbered tensors", saved({1: one}))
    yield Fault("Checkpoints", "a whole network, pickled", saved(torch.nn.Conv2d(1, 1, 1)))
    yield Fault("Checkpoints", "a pickle that executes", bomb)
    yield Fault("Checkpoints", "a plain pickle that executes", plain_bomb)
    yield Fault("Checkpoints", "a zip of zeros", zipped)
    yield Fault("Checkpoints", "no such file", lambda folder: {"checkpoint": folder / "no.pt"})
    for name in ("meta", "mps", "cuda:99", "gpu", "hpu", "", 1.5, None):
        yield Fault("Devices", repr(name), lambda folder, name=name: {"device": name})
