# SPDX-License-Identifier: Apache-2.0
"""Videos in DICOM files."""
