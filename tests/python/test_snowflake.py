"""The Snowflake target, on an emulator: builds are green, and equal to DuckDB's."""

import json

import duckdb
import pytest
from snowflake_account import Account

from conftest import SAMPLE
from snowflake_emulator import Emulator
from snowflake_emulator.compiled import wrong_types
from snowflake_emulator.parity import first_difference, public_marts
from snowflake_emulator.python_models import wrong_python_models

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


@pytest.fixture(scope="session")
def account(tmp_path_factory):
    """Build the sample shop on an empty account once, unit tests included, as the README says.

    Tests only read it.
    """
    work = tmp_path_factory.mktemp("snowflake")
    with Emulator(work / "data") as emulator:
        setup = ["run-operation", "setup_snowflake", "--args", "{apply: true}"]
        yield Account(emulator, SAMPLE, work).succeed(*setup, role="ACCOUNTADMIN").build()


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
    said = result.stdout.replace('"', "")
    assert "There is no customer NOBODY in ANALYTICS.CORE.DIM_CUSTOMERS" in said


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
