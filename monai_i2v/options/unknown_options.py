# SPDX-License-Identifier: Apache-2.0
"""Options that nobody reads: MONAI adds whatever it is given to a config, and a misspelled name changes nothing."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pydoc import locate
from typing import Any

from monai.bundle import (
    DEFAULT_EXP_MGMT_SETTINGS,
    ID_SEP_KEY,
    ComponentLocator,
    ConfigComponent,
    ConfigExpression,
    InferProperties,
    ReferenceResolver,
)

from monai_i2v.errors import UsageError

__all__ = ["refuse_unknown_options"]

# What MONAI itself asks a config for.
PROPERTIES = {entry["id"] for entry in InferProperties.values() if entry["required"]}


def refuse_unknown_options(config: Mapping[str, Any], commands: Collection[str], defined: Collection[str] = ()) -> None:
    """See that something reads every option, or that its component takes it.

    Args:
        config: merged configs with what was given over them, without macros and relative ids.
        commands: ids that MONAI evaluates, such as ``"run"``, and others that are right though nothing reads them.
        defined: options that a file has, though what read them may be set aside by another file or option.

    Raises:
        UsageError: When an option is unknown; it names the nearest one that is known.

    Example::

        >>> from monai_i2v.options.unknown_options import refuse_unknown_options
        >>> refuse_unknown_options({"anonymize": False, "anonimize": True, "run": ["$print(@anonymize)"]}, ["run"])
        Traceback (most recent call last):
            ...
        monai_i2v.errors.UsageError: there is no option anonimize; expected one of this config; did you mean anonymize?
    """
    read = set(_references(config))
    known = {*commands, *PROPERTIES, *_tracking_options(config)}
    names = [name for name, value in config.items() if _is_read(name, read) and not isinstance(value, dict)]
    for name, value in config.items():
        if not (name.startswith("_") or name in known or _is_read(name, read) or _is_section(value)):
            raise _idle(name) if name in defined else _unknown(name, names)
        if not name.startswith("_"):
            _refuse_inside(name, value, read)


def _tracking_options(config: Mapping[str, Any]) -> Iterator[str]:
    """What ``--tracking mlflow`` has added."""
    for settings in DEFAULT_EXP_MGMT_SETTINGS.values():
        added = settings["configs"].keys() - settings["handlers_id"].keys()
        if added <= config.keys():
            yield from added


def _references(value: Any) -> Iterator[str]:
    """Ids that a config refers to."""
    if isinstance(value, str):
        yield from ReferenceResolver.match_refs_pattern(value)
    for part in _parts(value).values():
        yield from _references(part)


def _parts(value: Any) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    return {str(index): part for index, part in enumerate(value)} if isinstance(value, list) else {}


def _is_section(value: Any) -> bool:
    """Whether this is a part of a config that may rest, and no option: a dictionary, or expressions to be run."""
    is_command = isinstance(value, list) and value and all(map(ConfigExpression.is_expression, value))
    return isinstance(value, dict) or bool(is_command)


def _refuse_inside(id: str, value: Any, read: Collection[str]) -> None:
    """The same for what stands in a component, or in a section whose parts are read one by one."""
    parts = _parts(value)
    names = [name for name in parts if not name.startswith("_")]
    if ConfigComponent.is_instantiable(value):
        known: Sequence[str] = _parameters(str(value["_target_"]))
        unknown = [name for name in names if known and name not in known]
    else:
        known = [name for name in names if _is_read(f"{id}{ID_SEP_KEY}{name}", read)]
        rests = id in read or not known or isinstance(value, list)
        unknown = [] if rests else [name for name in names if name not in known and not _is_section(parts[name])]
    if unknown:
        raise _unknown(f"{id}{ID_SEP_KEY}{unknown[0]}", [f"{id}{ID_SEP_KEY}{name}" for name in known])
    for name in names:
        _refuse_inside(f"{id}{ID_SEP_KEY}{name}", parts[name], read)


def _is_read(id: str, read: Collection[str]) -> bool:
    """Whether something refers to this, or to a part of it."""
    return any(one == id or one.startswith(id + ID_SEP_KEY) for one in read)


@cache
def _parameters(target: str) -> tuple[str, ...]:
    """Names of the arguments of a component; none when it takes any."""
    path = ConfigComponent({"_target_": target}, locator=_locator()).resolve_module_name()
    try:
        parameters = inspect.signature(locate(path)).parameters  # type: ignore[arg-type]
    except (TypeError, ValueError):  # no callable, or one that does not tell
        return ()
    takes_any = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())
    return () if takes_any else tuple(parameters)


@cache
def _locator() -> ComponentLocator:
    return ComponentLocator()


def _idle(id: str) -> UsageError:
    return UsageError(f"option {id} would change nothing here, as nothing in these configs reads it; leave it out.")


def _unknown(id: str, known: Collection[str]) -> UsageError:
    nearest = get_close_matches(id, known, n=1)
    advice = f"did you mean {nearest[0]}?" if nearest else f"choose of {', '.join(known)}."
    return UsageError(f"there is no option {id}; expected one of this config; {advice}")
