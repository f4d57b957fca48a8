"""Shops of other kinds on the emulated account: dirt, mappings, faults, the smoke test."""

import itertools
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml
from snowflake_account import MODELS_ONLY, SETUP, Account, assert_same_marts, make_account

from conftest import PROJECT, SAMPLE, WITHOUT_TRAINING, Shop
from sample.generate import generate
from snowflake_emulator import Emulator
from snowflake_emulator.parameters import UNUSUAL
from snowflake_emulator.python_models import wrong_python_models


def test_new_data_and_a_killed_emulator_end_like_an_undisturbed_build(tmp_path):
    """Half of the orders, then all, the emulator killed in the middle of the second build.

    `CLIENTELE_KILLS=20` kills it so often, each time in another place.
    """
    raw = tmp_path / "raw"
    raw.mkdir()
    for file in SAMPLE.iterdir():
        if file.suffix in (".csv", ".json", ".parquet"):
            (raw / file.name).write_bytes(file.read_bytes())
    orders = (SAMPLE / "orders.csv").read_bytes().splitlines(keepends=True)
    whole = [line for line in orders[1:] if line.startswith(b"O") and line.count(b'"') in (0, 2)]
    earlier = [line for line in whole if line.split(b",")[4] < b"2025-01-01"]
    (raw / "orders.csv").write_bytes(b"".join([orders[0], *earlier]))
    shop = Shop(raw, tmp_path / "shop.duckdb")
    # Facts, histories, and a table that is built by days: what could be half-written.
    build = [*MODELS_ONLY, "--select", "+path:models/marts/core", "+customer_rfm", "+daily_sales"]
    build += ["+int_customer_snapshots", "+customers_history"]
    shop.build(*build)
    with Emulator(tmp_path / "data") as emulator:
        make_account(emulator, raw, tmp_path).build(*build)
    (raw / "orders.csv").write_bytes(b"".join(orders))
    shop.build(*build)
    kills = int(os.environ.get("CLIENTELE_KILLS", "1"))
    for place in random.Random(2).sample(range(20, 100), kills):
        with Emulator(tmp_path / "data") as emulator:
            half = make_account(emulator, raw, tmp_path)
            half.load()
            with subprocess.Popen(
                **half.command("build", *build), stdout=subprocess.PIPE, text=True
            ) as process:
                steps = (line for line in process.stdout if re.search(r" of \d+ (START|OK)", line))
                assert len(list(itertools.islice(steps, place))) == place
                emulator.process.kill()
                process.kill()
    with Emulator(tmp_path / "data") as emulator:
        assert_same_marts(shop, make_account(emulator, raw, tmp_path).build(*build))


def test_a_price_changes_while_the_clock_stands_still(tmp_path):
    """On both targets each price has its version, and the last holds, also one that comes back."""
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "customers.json").write_text('{"customer_id": "c1"}\n')
    (raw / "inventory.csv").write_text("product_id,warehouse_id,stock_quantity\np1,w1,3\n")
    (raw / "orders.csv").write_text(
        "order_id,customer_id,product_id,quantity,order_date\no1,c1,p1,2,2024-01-01\n"
    )
    history = """
        select cast(price as integer), dbt_valid_to is null, count(*), count(distinct dbt_scd_id)
        from {}core.products_history group by 1, 2 order by 1, 2
        """
    build = ["--select", "+dim_product_prices", "+customers_history", "histories_follow_the_master"]
    build += ["--exclude-resource-type", "unit_test", "--indirect-selection", "empty"]
    shop = Shop(raw, tmp_path / "shop.duckdb")
    with Emulator(tmp_path / "data") as emulator:
        account = make_account(emulator, raw, tmp_path)
        for price, versions in [
            (5, [(5, True, 1, 1)]),
            (7, [(5, False, 1, 1), (7, True, 1, 1)]),
            (5, [(5, False, 1, 1), (5, True, 1, 1), (7, False, 1, 1)]),
        ]:
            duckdb.sql(
                f"copy (select 'p1' as product_id, {price} as price, 1 as cost)"
                f" to '{raw}/products.parquet' (format parquet)"
            )
            shop.build(*build)
            account.build(*build)
            assert shop.query(history.format("")) == versions
            assert emulator.query(history.format("analytics.")) == versions
            assert_same_marts(shop, account, at_least=1)


def test_a_shop_with_all_dirt_is_the_same_on_both(tmp_path):
    generate(tmp_path / "raw", customers=300, seed=11)
    shop = Shop(tmp_path / "raw", tmp_path / "shop.duckdb")
    shop.build(*MODELS_ONLY)
    assert shop.query("select count(distinct entity || rule) from staging.rejected_rows") > [(15,)]
    with Emulator(tmp_path / "data") as emulator:
        assert_same_marts(shop, make_account(emulator, shop.raw, tmp_path).build(*MODELS_ONLY))


def test_a_mapped_shop_is_the_same_on_both(tmp_path):
    """Another name, delimiter and encoding, Parquet files in a folder, and a missing file.

    On an account whose parameters are all otherwise than a new one's.
    """
    raw = tmp_path / "raw"
    generate(raw, customers=100, seed=12, clean=True)
    (raw / "products").mkdir()
    (raw / "products.parquet").rename(raw / "products" / "part_1.parquet")
    (raw / "inventory.csv").unlink()
    duckdb.sql(
        f"""
        copy (
            select * replace ('Ü' || customer_id as customer_id)
            from read_csv('{raw}/orders.csv', all_varchar = true)
        ) to '{raw}/sales.csv' (delimiter ';')
        """
    )
    (raw / "orders.csv").unlink()
    text = (raw / "sales.csv").read_text("utf-8")
    (raw / "sales.csv").write_text(text, "latin-1", errors="replace")
    mapping = {
        "orders": {
            "relation": "sales",
            "delimiter": ";",
            "encoding": "latin-1",
            "columns": {"customer_id": "replace(customer_id, 'Ü', '')"},
        },
        "customers": {"columns": {"country": "'Österreich'"}},
        "inventory": {"relation": None},
    }
    build = [*MODELS_ONLY, *WITHOUT_TRAINING]
    shop = Shop(raw, tmp_path / "shop.duckdb")
    shop.build(*build, shop_vars={"shop": mapping})
    with Emulator(tmp_path / "data", UNUSUAL) as emulator:
        account = make_account(emulator, raw, tmp_path, shop_vars={"shop": mapping})
        assert_same_marts(shop, account.load(folders=["products"]).succeed("build", *build))
        (raw / "sales.csv").unlink()
        refused = account.dbt("run-operation", "load_raw", role="LOADER").stdout
        assert f"There is no sales.csv, .json, .jsonl, .ndjson or .parquet in {raw};" in refused


def smoke(*options, **settings):
    """Run the smoke test of an account; returns the finished process."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("SNOWFLAKE_")}
    return subprocess.run(
        [sys.executable, PROJECT / ".ci" / "snowflake_smoke.py", *options],
        env=known | {"CLIENTELE_THREADS": "4", "DBT_USE_COLORS": "false"} | settings,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_the_smoke_test_without_an_account_says_what_it_would_do():
    result = smoke()
    assert result.returncode == 0
    assert "change: Change one price" in result.stdout
    assert "nothing was done" in result.stdout


@pytest.mark.thorough
def test_the_smoke_test_leaves_nothing_behind_when_it_passes_and_when_it_fails(tmp_path):
    schemas = "select schema_name from information_schema.schemata where schema_name ilike 'smoke%'"
    with Emulator(tmp_path / "data") as emulator:
        emulator.run_script(SETUP)
        dbt = {"DBT_TARGET_PATH": str(tmp_path / "target"), "DBT_LOG_PATH": str(tmp_path / "logs")}
        # The data tests run where the sample is built.
        settings = emulator.environment | dbt
        no_policy = {"SNOWFLAKE_MASKING_POLICY": "SECURITY.NO_POLICY"}
        failed = smoke("--models-only", **settings | no_policy)
        assert failed.returncode == 1, failed.stdout[-5000:]
        assert "== build FAILED" in failed.stdout
        assert "NO_POLICY' does not exist" in failed.stdout
        assert emulator.query(schemas, database="ANALYTICS") == []
        passed = smoke("--models-only", **settings)
        assert passed.returncode == 0, passed.stdout[-5000:] + passed.stderr[-2000:]
        assert "0.15 credits" in passed.stdout
        assert "All steps passed" in passed.stdout
        assert emulator.query(schemas, database="ANALYTICS") == []


def test_online_retail_2_is_the_same_on_both(tmp_path):
    raw = os.environ.get("CLIENTELE_ONLINE_RETAIL_2")
    if not raw:
        pytest.skip("CLIENTELE_ONLINE_RETAIL_2 names no folder with online_retail_ii.parquet.")
    shop_vars = yaml.safe_load((PROJECT / "shops" / "online_retail_2.yml").read_text())
    build = [*MODELS_ONLY, *WITHOUT_TRAINING]
    shop = Shop(Path(raw), tmp_path / "shop.duckdb")
    shop.build(*build, shop_vars=shop_vars)
    with Emulator(tmp_path / "data") as emulator:
        account = make_account(emulator, raw, tmp_path, shop_vars=shop_vars)
        assert_same_marts(shop, account.build(*build))


# Small models that build on DuckDB, or look as if they would, and what must be said of each.
PYTHON_MODEL = """
import pandas
{imported}

def model(dbt, session):
    dbt.config(packages={packages}, python_version="3.11")
    large = dbt.ref("large")
    return {frame}
"""
PINNED = ["pandas==2.3.1"]
UPPER = 'pandas.DataFrame({"CUSTOMER_ID": [1]})'
LARGE = "select row_number() over (order by 1) as customer_id from " + " cross join ".join(
    f"(values (1), (2), (3), (4), (5), (6), (7)) as {name}" for name in ("one", "two", "three")
)
WRONG_MODELS = {
    "large.sql": LARGE,
    "lower_case_columns.py": PYTHON_MODEL.format(
        imported="", packages=PINNED, frame="large.limit(2).to_pandas().rename(columns=str.lower)"
    ),
    "reads_lower_case.sql": "select customer_id from {{ ref('lower_case_columns') }}",
    "duckdb_function.sql": "select list_sort(customer_id) as ids from {{ ref('large') }}",
    "unlisted_import.py": PYTHON_MODEL.format(
        imported="import sklearn.cluster", packages=PINNED, frame=UPPER
    ),
    "unpinned_package.py": PYTHON_MODEL.format(imported="", packages=["pandas"], frame=UPPER),
    "reads_all.py": PYTHON_MODEL.format(imported="", packages=PINNED, frame="large.to_pandas()"),
    "number_for_double.sql": "select sum(customer_id) / count(*) as mean from {{ ref('large') }}",
}
CONTRACT = """
models:
  - name: number_for_double
    config: {contract: {enforced: true}}
    columns: [{name: mean, data_type: double}]
"""


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """Run a small project of wrong models; returns dbt's messages by model, and an account."""
    project = tmp_path_factory.mktemp("wrong")
    (project / "models").mkdir()
    for name, text in (WRONG_MODELS | {"contract.yml": CONTRACT}).items():
        (project / "models" / name).write_text(text)
    (project / "dbt_project.yml").write_text(
        yaml.safe_dump(
            {
                "name": "clientele",
                "profile": "clientele",
                "macro-paths": [str(PROJECT / "macros" / "operations")],
                "models": {"+materialized": "table"},
            }
        )
    )
    with Emulator(project / "data") as emulator:
        emulator.query("create schema if not exists analytics.core", database="ANALYTICS")
        account = Account(emulator, project, project)
        result = account.dbt("run", project=project, SNOWFLAKE_SCHEMA="core")
        assert result.returncode != 0
        run = json.loads((account.target("TRANSFORMER") / "run_results.json").read_text())
        yield (
            account,
            {
                one["unique_id"].split(".")[-1]: one["message"]
                for one in run["results"]
                if one["status"] == "error"
            },
        )


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("reads_lower_case", "invalid identifier 'CUSTOMER_ID'"),
        ("duckdb_function", "Unknown function LIST_SORT"),
        ("unlisted_import", "'sklearn' is imported but not in PACKAGES"),
        ("unpinned_package", "Package 'pandas' is not pinned: write pandas==<version>"),
        ("number_for_double", "data type mismatch"),
    ],
)
def test_a_wrong_model_fails_and_is_named(wrong, model, reason):
    _, messages = wrong
    assert f"in model {model} (" in messages[model]
    assert reason in messages[model]


def test_a_python_model_that_only_snowflake_minds_is_named(wrong):
    account, messages = wrong
    assert not messages.keys() & {"large", "lower_case_columns", "reads_all"}
    bounded_from = {"lower_case_columns": "core.large", "reads_all": "core.large"}
    target = account.target("TRANSFORMER")
    assert sorted(wrong_python_models(account.emulator, target, bounded_from, 100)) == [
        "lower_case_columns: the columns customer_id are lower-case, so SQL finds them in double"
        " quotes only; return them in upper case.",
        "reads_all: one statement brought 343 rows out of the server; its sample has at most 100"
        " of the 343 rows of core.large.",
    ]
