"""The Snowflake target, on an emulator: builds are green, and equal to DuckDB's."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

from conftest import PROJECT, SAMPLE, WITHOUT_TRAINING, Shop
from sample.generate import generate
from snowflake_emulator import Emulator
from snowflake_emulator.compiled import wrong_types
from snowflake_emulator.parameters import UNUSUAL
from snowflake_emulator.parity import first_difference, public_marts
from snowflake_emulator.python_models import wrong_python_models

SETUP = (PROJECT / "profiles" / "setup_snowflake.sql").read_text()
WAREHOUSES = {"ACCOUNTADMIN": "", "LOADER": "LOADING", "TRANSFORMER": "TRANSFORMING"}
# What each Python model draws its sample from; the forecast reads sums by day of the lines.
BOUNDED_FROM = {
    "forecast_backtest": "core.fct_order_lines",
    "forecast_days": "core.fct_order_lines",
    "churn_model": "features.int_customer_snapshots",
    "segment_model": "features.int_segment_features",
    "segment_selection": "features.int_segment_features",
    "segment_refits": "features.int_segment_features",
    "product_neighbours": "features.int_product_purchases",
}
# Data and unit tests are the same for every shop; equal marts prove more of it.
MODELS_ONLY = ["--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"]


class Account:
    """An emulated account and the folder that its shop's raw files are loaded from."""

    def __init__(self, emulator, raw, work, shop_vars=None):
        self.emulator = emulator
        self.raw = raw
        self.work = work
        self.shop_vars = shop_vars

    def target(self, role):
        """Return the target folder of a role; of its own, since dbt parses anew for another."""
        return self.work / f"target_{role.lower()}"

    def command(self, *arguments, role="TRANSFORMER", project=PROJECT, **settings):
        """Return the arguments of subprocess for a dbt command on the account."""
        variables = ["--vars", yaml.safe_dump(self.shop_vars)] if self.shop_vars else []
        return {
            "args": [Path(sys.executable).parent / "dbt", "--no-use-colors", *arguments, *variables]
            + ["--target", "snowflake", "--profiles-dir", PROJECT / "profiles"]
            + ["--target-path", self.target(role), "--log-path", self.work / "logs"],
            "cwd": project,
            "env": os.environ
            | self.emulator.environment
            | {"CLIENTELE_RAW_DIR": str(self.raw), "CLIENTELE_THREADS": "4"}
            | {"SNOWFLAKE_ROLE": role, "SNOWFLAKE_WAREHOUSE": WAREHOUSES[role]}
            | settings,
            "stdin": subprocess.DEVNULL,
        }

    def dbt(self, *arguments, **options):
        """Run dbt; returns the finished process, its output in `stdout`."""
        command = self.command(*arguments, **options) | {"capture_output": True, "text": True}
        try:
            return subprocess.run(**command, timeout=900)
        except subprocess.TimeoutExpired:
            # The connector's first two results of a process, read by two threads, may wait for each
            # other forever: its logger is set up under a lock that is taken beside Python's own.
            return subprocess.run(**command)

    def succeed(self, *arguments, **options):
        """Run dbt, which must end green."""
        result = self.dbt(*arguments, **options)
        assert result.returncode == 0, result.stdout[-5000:]
        return self

    def load(self, **arguments):
        """Load the raw files as the loader."""
        options = ["--args", yaml.safe_dump(arguments)]
        return self.succeed("run-operation", "load_raw", *options, role="LOADER")

    def build(self, *arguments):
        """Load the raw files and build, which must end green."""
        self.load().succeed("build", *arguments)
        # The next command writes a manifest without the SQL that this one compiled.
        shutil.copy(self.target("TRANSFORMER") / "manifest.json", self.built_manifest)
        return self

    @property
    def built_manifest(self):
        """The manifest of the last build, compiled SQL included."""
        return self.work / "built_manifest.json"


def make_account(emulator, raw, work, **options):
    """Set an empty account up, by the script in the repository."""
    emulator.run_script(SETUP)
    return Account(emulator, raw, work, **options)


@pytest.fixture(scope="session")
def account(tmp_path_factory):
    """Build the sample shop on an empty account once, unit tests included, as the README says.

    Tests only read it.
    """
    work = tmp_path_factory.mktemp("snowflake")
    with Emulator(work / "data") as emulator:
        setup = ["run-operation", "setup_snowflake", "--args", "{apply: true}"]
        yield Account(emulator, SAMPLE, work).succeed(*setup, role="ACCOUNTADMIN").build()


def assert_same_marts(shop, account, at_least=8):
    """Fail with the first difference between the public marts that were built of a shop."""
    marts = public_marts(account.target("TRANSFORMER") / "manifest.json")
    tables = "select lower(table_schema || '.' || table_name) from information_schema.tables"
    built = {name for (name,) in account.emulator.query(tables, database="ANALYTICS")}
    marts = {mart: key for mart, key in marts.items() if mart in built}
    assert len(marts) >= at_least
    assert first_difference(shop.database, account.emulator, marts) is None


def test_marts_equal_those_of_duckdb(account, sample):
    marts = public_marts(account.target("TRANSFORMER") / "manifest.json")
    assert len(marts) > 20
    assert first_difference(sample.database, account.emulator, marts) is None


def test_the_newest_order_tells_how_fresh_a_shop_is(account, sample):
    newest = []
    for shop, target in [(account, account.target("TRANSFORMER")), (sample, sample.target())]:
        shop.dbt("source", "freshness")
        found = json.loads((target / "sources.json").read_text())["results"][0]
        assert found["status"] == "warn"
        newest.append(found["max_loaded_at"][:19])
    assert newest[0] == newest[1] > "2025"


def test_parity_names_the_first_difference(account, sample, tmp_path):
    changed = tmp_path / "changed.duckdb"
    changed.write_bytes(sample.database.read_bytes())
    with duckdb.connect(str(changed)) as connection:
        connection.execute(
            "update customers.customer_rfm set monetary = monetary + 0.01"
            " where customer_id = (select min(customer_id) from customers.customer_rfm)"
        )
        first = connection.execute("select min(customer_id) from customers.customer_rfm").fetchone()
    marts = {"customers.customer_rfm": ["customer_id"]}
    difference = first_difference(changed, account.emulator, marts)
    assert difference.startswith(f"customers.customer_rfm: ['customer_id'] = {first}, monetary:")


def test_a_build_sends_few_and_short_statements(account):
    """Snowflake refuses a statement of a megabyte; a setting for each test costs a trip each."""
    nodes = json.loads((account.target("TRANSFORMER") / "manifest.json").read_text())["nodes"]
    built = [n for n in nodes.values() if n["resource_type"] in ("model", "seed", "snapshot")]
    cost = account.emulator.cost()
    assert cost["longest"] < 200_000
    # Two for each node with a tag of its own, and one for each session.
    assert cost["session_settings"] < 2.5 * len(built) < len(nodes)


def test_malformed_lines_land_like_on_duckdb(account, sample):
    query = """
        select entity, raw_record from staging.rejected_rows
        where rule = 'malformed_row' order by entity, raw_record
        """
    rows = account.emulator.query(query.replace("staging.", "analytics.staging."))
    assert rows == sample.query(query)
    assert len(rows) >= 10


def test_python_models_read_no_more_than_their_sample(account, tmp_path):
    """A bound far below the shop: a full to_pandas would bring more rows out of the server."""
    bounded = Account(
        account.emulator,
        account.raw,
        tmp_path,
        {
            "train_sample_rows": 6000,
            "segment_drift_rows": 30,
            "recommendation_sample_rows": 3000,
        },
    )
    samples = ["int_training_sample", "int_segment_sample"]
    samples += ["int_product_purchases", "int_product_trends", "int_recommendation_sample"]
    production = ["--defer", "--state", account.target("TRANSFORMER")]
    selected = ["--select", *samples, *BOUNDED_FROM, *production]
    bounded.succeed("run", *selected, SNOWFLAKE_SCHEMA="bounded")
    target = bounded.target("TRANSFORMER")
    nodes = json.loads((target / "manifest.json").read_text())["nodes"].values()
    assert BOUNDED_FROM.keys() == {
        node["name"] for node in nodes if node.get("language") == "python"
    }
    assert wrong_python_models(account.emulator, target, BOUNDED_FROM, 6000) == []


def test_reporter_sees_masks(account):
    query = "select distinct email from analytics.core.dim_customers where email is not null"
    assert account.emulator.query(query, role="REPORTER") == [("***",)]
    assert len(account.emulator.query(query, role="TRANSFORMER")) > 1


def test_marts_are_unloaded_to_a_stage_and_the_last_whole_ones_kept(account):
    """Every export has a folder of its own, and LATEST names the one to read."""
    for _ in range(2):
        account.succeed("run-operation", "export_marts")
    files = [row[0] for row in account.emulator.query("list @analytics.sales.exports")]
    folders = {file.split("/")[1] for file in files}
    assert len(folders) == 2 and "LATEST" in folders
    names = {file.partition("/")[2].partition("/")[2] for file in files}
    assert {
        "order_lines/year=2024/month=02/data_0_0_0.parquet",
        "parquet/core/dim_products/data_0_0_0.parquet",
        "csv/sales/monthly_sales/data_0_0_0.csv",
        "json/customers/customer_churn/data_0_0_0.json",
        "sales_report.txt",
        "kpi_summary.txt",
    } <= names


def test_only_a_known_customer_can_be_forgotten(account):
    result = account.dbt("run-operation", "forget_customer", "--args", "{customer_id: NOBODY}")
    assert "THERE IS NO CUSTOMER NOBODY in ANALYTICS.CORE.DIM_CUSTOMERS" in result.stdout.upper()


def test_check_masking_is_green(account):
    account.succeed("run-operation", "check_masking")


def test_marts_are_granted_to_the_reporter(account):
    grants = account.emulator.query("show grants on analytics.customers.customer_360")
    assert [(row[1], row[5]) for row in grants] == [("SELECT", "REPORTER")]


COLUMNS = """
    select table_catalog, table_schema, table_name, column_name,
        case data_type when 'TEXT' then 'VARCHAR' else data_type end
    from information_schema.columns
    """


def test_names_and_types_hold_in_all_compiled_sql(account):
    columns = account.emulator.query(COLUMNS, database="ANALYTICS")
    assert len(columns) > 500
    nodes = json.loads(account.built_manifest.read_text())["nodes"].values()
    assert all(n["compiled_code"] for n in nodes if n["resource_type"] in ("model", "test"))
    assert wrong_types(account.built_manifest, columns) == []


def test_new_data_and_a_killed_emulator_end_like_an_undisturbed_build(tmp_path):
    """Half of the orders, then all, the emulator killed in the middle of the second build."""
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
    build = [*MODELS_ONLY, *WITHOUT_TRAINING]
    shop.build(*build)
    with Emulator(tmp_path / "data") as emulator:
        make_account(emulator, raw, tmp_path).build(*build)
    (raw / "orders.csv").write_bytes(b"".join(orders))
    shop.build(*build)
    with Emulator(tmp_path / "data") as emulator:
        half = make_account(emulator, raw, tmp_path)
        half.load()
        with subprocess.Popen(
            **half.command("build", *build), stdout=subprocess.PIPE, text=True
        ) as process:
            for line in process.stdout:
                if "fct_order_lines" in line and "OK created" in line:
                    emulator.process.kill()
                    break
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
    build += ["--exclude-resource-type", "unit_test"]
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


def smoke(**settings):
    """Run the smoke test of an account; returns the finished process."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("SNOWFLAKE_")}
    return subprocess.run(
        [sys.executable, PROJECT / ".ci" / "snowflake_smoke.py"],
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


def test_the_smoke_test_leaves_nothing_behind_when_it_passes_and_when_it_fails(tmp_path):
    schemas = "select schema_name from information_schema.schemata where schema_name ilike 'smoke%'"
    with Emulator(tmp_path / "data") as emulator:
        emulator.run_script(SETUP)
        dbt = {"DBT_TARGET_PATH": str(tmp_path / "target"), "DBT_LOG_PATH": str(tmp_path / "logs")}
        failed = smoke(**emulator.environment, **dbt, SNOWFLAKE_MASKING_POLICY="SECURITY.NO_POLICY")
        assert failed.returncode == 1, failed.stdout[-5000:]
        assert "== build FAILED" in failed.stdout
        assert "NO_POLICY' does not exist" in failed.stdout
        assert emulator.query(schemas, database="ANALYTICS") == []
        passed = smoke(**emulator.environment, **dbt)
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
