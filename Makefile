PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo check test clean

setup: .venv/installed

# The second run of any target finds the stamp and installs nothing.
.venv/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev]"
	touch $@

# A real ultrasound recording, which pydicom brings along, from the mask of its first frame.
demo: .venv/installed
	$(BIN)/python -m monai.bundle run \
		--config_file bundles/test_time_training_video_segmentation/configs/inference.json \
		--meta_file bundles/test_time_training_video_segmentation/configs/metadata.json \
		--logging_file bundles/test_time_training_video_segmentation/configs/logging.conf \
		--bundle_root bundles/test_time_training_video_segmentation \
		--video "$$($(BIN)/python -c 'import pydicom.examples; print(pydicom.examples.get_path("ybr_color"))')" \
		--ref_mask tutorials/ultrasound_cine_mask.png \
		--output_dir demo_output

check: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage demo_output
