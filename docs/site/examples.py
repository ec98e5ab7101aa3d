# SPDX-License-Identifier: Apache-2.0
"""For the API pages: ``Example::`` and the indented block below it become a section."""

from __future__ import annotations

from typing import Any

import griffe


class Examples(griffe.Extension):
    """Renames the heading in each docstring, before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = obj.docstring.value.replace("Example::\n\n", "Examples:\n")
