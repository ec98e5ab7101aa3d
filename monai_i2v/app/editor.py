# SPDX-License-Identifier: Apache-2.0
"""Which page may draw: the first one that listens; others look on."""

from __future__ import annotations

from monai_i2v.errors import UsageError

__all__ = ["Editor"]

SENTENCE = (
    "this session is open in another tab, expected one that draws; you can look on here: close the other tab and "
    "reload this one to draw."
)


class Editor:
    """Gives the pen to one page.

    Example::

        >>> from monai_i2v.app.editor import Editor
        >>> editor = Editor()
        >>> editor.take("first"), editor.take("second")
        (True, False)
        >>> editor.leave("first")
        >>> editor.take("second")
        True
    """

    def __init__(self) -> None:
        self.page: str | None = None

    def take(self, page: str) -> bool:
        """Whether a page that begins to listen may draw."""
        if self.page is None:
            self.page = page
        return self.page == page

    def leave(self, page: str) -> None:
        """A page has stopped listening."""
        if self.page == page:
            self.page = None

    def check(self, page: str) -> None:
        """Raises: UsageError: When another page has the pen."""
        if self.page is not None and self.page != page:
            raise UsageError(SENTENCE)
