# make build: a shop's marts in clientele.duckdb.   make test: what proves the project.
PYTHON ?= python3
BIN := .venv/bin
SHOP ?=
ifneq ($(SHOP),)
ifeq ($(wildcard $(SHOP)),)
$(error There is no mapping $(SHOP): name a YAML file in SHOP, such as shops/olist.yml)
endif
endif
VARS = $(if $(SHOP),--vars "$$(cat $(SHOP))")
# Unit tests prove the models, under the sample's settings alone, and no shop: make test runs them.
BUILD = $(VARS) --exclude-resource-type unit_test $(FLAGS)

.DEFAULT_GOAL := help
.PHONY: help build export api dashboard tableau notebooks docs map check snowflake-smoke test lint test-thorough test-airflow benchmark scale-benchmark sbom clean

help: ## this list, in the order of use
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: .venv/.build ## build every model of a shop and test it: the sample, or SHOP=mapping.yml CLIENTELE_RAW_DIR=folder FLAGS='options of dbt build'
	$(BIN)/python bin/build.py $(BUILD)
	@echo
	@echo "The marts stand in $${CLIENTELE_DUCKDB:-clientele.duckdb}. Look at one:"
	@echo "  $(if $(CLIENTELE_DUCKDB),CLIENTELE_DUCKDB=$(CLIENTELE_DUCKDB) )$(BIN)/dbt show --limit 10 --inline 'select customer_id, frequency, monetary, rfm_segment from {{ ref(\"customer_rfm\") }}'"
	@echo "Browse models, columns and lineage:   make docs"

export: .venv/.build ## write the built marts as Parquet, CSV, JSON lines and two reports: PLACE=folder (exports)
	@$(BIN)/dbt --quiet run-operation export_marts $(if $(PLACE),--args '{place: $(PLACE)}')

api: .venv/.api ## serve predictions over HTTP on http://127.0.0.1:8000 (integrations/api/README.md)
	$(BIN)/python -m integrations.api $(VARS)

dashboard: .venv/.dashboard ## look at the built marts in the browser, on http://localhost:8501: FLAGS='options of streamlit run'
	$(BIN)/streamlit run integrations/dashboard/app.py $(FLAGS)

tableau: .venv/.tableau ## write Tableau's extracts, data sources and a dashboard: OUT=folder (tableau)
	@$(BIN)/python -m integrations.tableau $(if $(OUT),--out "$(OUT)")

notebooks: .venv/.notebooks ## open the notebooks on the built marts in the browser
	CLIENTELE_DUCKDB="$(abspath $(or $(CLIENTELE_DUCKDB),clientele.duckdb))" $(BIN)/jupyter lab integrations/notebooks

docs: .venv/.build ## documentation and lineage of what was built, on http://localhost:8080
	$(BIN)/dbt docs generate $(VARS)
	$(BIN)/dbt docs serve

map: .venv/.build ## print a first mapping of a folder of a shop's files: RAW=folder
	@test -n "$(RAW)" || { echo "Name the folder of the shop's files: make map RAW=folder"; exit 1; }
	@$(BIN)/python shops/map.py "$(RAW)"

check: .venv/.build ## check a mapping against the shop's files, in seconds: SHOP=mapping.yml CLIENTELE_RAW_DIR=folder
	@test -n "$(SHOP)" || { echo "Name the mapping: make check SHOP=mapping.yml CLIENTELE_RAW_DIR=folder"; exit 1; }
	@$(BIN)/dbt --quiet run-operation check_shop --args "$$(cat $(SHOP))"

snowflake-smoke: .venv/.build ## a short proof on the Snowflake account that SNOWFLAKE_* name; without one it says what it would do
	$(BIN)/python .ci/snowflake_smoke.py

test: .venv/.test lint ## lint, then pytest: whole builds of shops on DuckDB and on the Snowflake emulator, docs
	$(BIN)/pytest

lint: .venv/.test ## ruff, sqlfluff, strict parse for both targets, conventions on the manifest, reserved words
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/dbt parse --target snowflake --no-partial-parse --target-path target/snowflake
	$(BIN)/dbt --quiet compile --target duckdb --no-partial-parse
	$(BIN)/python -m snowflake_emulator.compiled target/manifest.json
	$(BIN)/dbt-bouncer run --only manifest_checks
	$(BIN)/sqlfluff lint models snapshots tests analyses

test-thorough: .venv/.test lint ## make test with more shops, more mappings and 20 killed builds on each target
	CLIENTELE_KILLS=20 $(BIN)/pytest -m 'thorough or not thorough'

test-airflow: .venv/.build integrations/airflow/.venv/.test ## the daily run on Airflow, in an environment of its own: three days of the sample
	cd integrations/airflow && .venv/bin/pytest

benchmark: .venv/.benchmark ## measure the models on real shops beside others, rewrite the tables of docs/models.md: ONLINE_RETAIL_2=folder
	$(BIN)/python benchmarks/churn.py $(if $(ONLINE_RETAIL_2),--online-retail-2 "$(ONLINE_RETAIL_2)")
	$(BIN)/python benchmarks/forecast.py $(if $(ONLINE_RETAIL_2),--online-retail-2 "$(ONLINE_RETAIL_2)")

scale-benchmark: .venv/.build ## time and memory of a shop of LINES=10000000 order lines, beside hand-written SQL and pandas
	$(BIN)/python benchmarks/scale.py --lines $(or $(LINES),10000000)

sbom: .venv/.build ## what the environment holds, as a CycloneDX bill of materials: sbom.json
	test -x target/sbom/bin/python || $(PYTHON) -m venv target/sbom
	target/sbom/bin/pip install --quiet 'cyclonedx-bom>=7,<8'
	target/sbom/bin/cyclonedx-py environment --output-file sbom.json $(BIN)/python

clean: ## remove what was built, except the environment
	rm -rf .building target logs clientele.duckdb clientele.duckdb.wal clientele.duckdb.tmp

.venv/.build: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -e .
	touch $@

.venv/.test: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -e ".[test]"
	touch .venv/.build $@

.venv/.api: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -e ".[api]"
	touch .venv/.build $@

.venv/.dashboard: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -e ".[dashboard]"
	touch .venv/.build $@

.venv/.tableau: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -e ".[tableau]"
	touch .venv/.build $@

.venv/.notebooks: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -e ".[notebooks]"
	touch .venv/.build $@

.venv/.benchmark: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -e ".[benchmark]"
	touch .venv/.build $@

integrations/airflow/.venv/.test: integrations/airflow/pyproject.toml
	test -x integrations/airflow/$(BIN)/python || $(PYTHON) -m venv integrations/airflow/.venv
	integrations/airflow/$(BIN)/pip install --quiet -e "integrations/airflow[test]"
	touch $@
