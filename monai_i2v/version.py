# SPDX-License-Identifier: Apache-2.0
"""The version of the package, for results that say what made them."""

__all__ = ["__version__"]

__version__ = "0.1.0"
