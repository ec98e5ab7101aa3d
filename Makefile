PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= auto
BUNDLE := bundles/temporal_contrastive_memory_video_segmentation

.PHONY: setup demo check style types test tests coverage docs clean

setup: .venv/installed

# The second run of any target finds the stamp and installs nothing.
.venv/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev,docs,export]"
	touch $@

# A real ultrasound recording, which pydicom brings along, from the mask of its first frame.
demo: .venv/installed
	$(BIN)/python -m monai.bundle run \
		--config_file $(BUNDLE)/configs/inference.json \
		--meta_file $(BUNDLE)/configs/metadata.json \
		--logging_file $(BUNDLE)/configs/logging.conf \
		--bundle_root $(BUNDLE) \
		--video "$$($(BIN)/python -c 'import pydicom.examples; print(pydicom.examples.get_path("ybr_color"))')" \
		--ref_mask tutorials/ultrasound_cine_mask.png \
		--output_dir demo_output

check: style types

style: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/installed
	$(BIN)/mypy
	$(BIN)/lint-imports

# mypy works on one core: it runs beside the tests.
test: style
	$(MAKE) --jobs=2 types tests

# One worker per core, each with one thread; who is done takes over tests of the others.
tests: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# Fails below 90 %. Before Python 3.12, to watch each line costs more than half as much again as the tests do.
coverage: .venv/installed
	rm -f .coverage .coverage.*
	OMP_NUM_THREADS=1 $(BIN)/coverage run -m pytest -n $(WORKERS) --dist worksteal
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# build/site/index.html; pictures of the tutorials are in it after `make test`.
docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file docs/site/mkdocs.yml

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage demo_output
