# SPDX-License-Identifier: Apache-2.0
"""The commands of ``python -m monai_i2v``, one per module. What is slow to import is imported where it is needed."""
