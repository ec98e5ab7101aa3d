# SPDX-License-Identifier: Apache-2.0
"""Pictures and tables for people."""

from monai_i2v.report.area_curve import plot_areas
from monai_i2v.report.chambers import named_chambers
from monai_i2v.report.contact_sheet import ContactSheet
from monai_i2v.report.html_report import HtmlReport
from monai_i2v.report.measurements import REFERENCE_NOTE, Measurement, Measurements
from monai_i2v.report.object_summary import ObjectSummary, summarize
from monai_i2v.report.overlay import overlay
from monai_i2v.report.overlay_movie import OverlayMovie
from monai_i2v.report.run_facts import describe_files, sha256_of, write_run_facts
from monai_i2v.report.simpson import simpson_volume
from monai_i2v.report.unfinished import unfinished
from monai_i2v.report.volume_change import VolumeChange, volume_change
from monai_i2v.report.volume_curve import plot_volumes
