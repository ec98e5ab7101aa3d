# SPDX-License-Identifier: Apache-2.0
"""Benchmarks that papers put together from several collections: a JSON file each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_i2v.data.collections.datalist import write_datalist
from monai_i2v.data.collections.part import Part
from monai_i2v.data.collections.registry import find_collection
from monai_i2v.errors import UsageError

__all__ = ["BENCHMARKS", "Benchmark", "read_benchmark"]

FOLDER = Path(__file__).with_name("benchmarks")
BENCHMARKS = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
EXPECTED = '{"name": "...", "description": "...", "training": [{"collection": "busi"}], "videos": [...]}'


@dataclass(frozen=True)
class Benchmark:
    """Which collections, and which part of each, make up a benchmark.

    Args:
        name: its name.
        description: what it is, and what of it cannot be rebuilt.
        sections: parts by section of the datalist.

    Example::

        >>> from monai_i2v.data.collections import read_benchmark
        >>> tcmn = read_benchmark("tcmn")
        >>> [part.collection.name for part in tcmn.sections["training"]]
        ['asu_mayo', 'cvc_clinicdb', 'hmc_qu']
    """

    name: str
    description: str
    sections: Mapping[str, list[Part]]

    @property
    def collections(self) -> list[str]:
        """Names of the collections that it takes."""
        return list(dict.fromkeys(part.collection.name for parts in self.sections.values() for part in parts))

    def write(self, output: str | Path, roots: Mapping[str, str | Path]) -> dict[str, int]:
        """Write its datalist from the collections that there are, see `write_datalist`; it names the missing ones.

        Args:
            output: the file.
            roots: folders of collections by name.

        Raises:
            UsageError: When a name is none of the benchmark's, or none is given.
        """
        strange = sorted(set(roots) - set(self.collections))
        if strange or not roots:
            wrong = f"{self.name} does not take {strange[0]!r}" if strange else f"no collection of {self.name} is given"
            raise UsageError(f"{wrong}; expected NAME=FOLDER with some of {', '.join(self.collections)}.")
        sections = {
            section: [part for part in parts if part.collection.name in roots]
            for section, parts in self.sections.items()
        }
        missing = [name for name in self.collections if name not in roots]
        facts = {"name": self.name, "description": self.description, "missing": missing}
        return write_datalist(output, sections, roots, facts)


def read_benchmark(name: str) -> Benchmark:
    """Read one that comes with the package, or a file.

    Args:
        name: ``"os_i2v_seg"``, ``"tcmn"``, or the path of a JSON file of the same form.

    Raises:
        UsageError: When it cannot be read.
    """
    path = FOLDER / f"{name}.json" if name in BENCHMARKS else Path(name)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        sections = {key: [_part(entry) for entry in value] for key, value in content.items() if isinstance(value, list)}
        return Benchmark(content["name"], content["description"], sections)
    except OSError as error:
        raise UsageError(
            f"there is no benchmark {name}; expected one of {', '.join(BENCHMARKS)}, or a JSON file."
        ) from error
    except UsageError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is no benchmark; expected {EXPECTED}.") from error


def _part(entry: Mapping[str, Any]) -> Part:
    return Part(**{**entry, "collection": find_collection(entry["collection"])})
