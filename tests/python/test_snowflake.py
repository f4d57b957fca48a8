"""The Snowflake target, on an emulator: builds are green, and equal to DuckDB's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT, SAMPLE, Shop

from tests.python.snowflake_emulator import Emulator
from tests.python.snowflake_emulator.parity import first_difference, public_marts

# What setup_snowflake makes on an account, as far as a build needs it.
SETUP = [
    "create database if not exists raw",
    "create database if not exists analytics",
    "create schema if not exists analytics.security",
    """
    create masking policy if not exists analytics.security.mask_personal_data as (value varchar)
    returns varchar ->
    case when value is null or is_role_in_session('TRANSFORMER') then value else '***' end
    """,
]


class Account:
    """An emulated account and the folder that its shop's raw files are loaded from."""

    def __init__(self, emulator, raw, work):
        self.emulator = emulator
        self.raw = raw
        self.work = work

    def command(self, *arguments):
        """Return the arguments of subprocess for a dbt command on the account."""
        return {
            "args": [Path(sys.executable).parent / "dbt", "--no-use-colors", *arguments]
            + ["--target", "snowflake", "--target-path", self.work / "target"]
            + ["--log-path", self.work / "logs"],
            "cwd": PROJECT,
            "env": os.environ
            | self.emulator.environment
            | {"CLIENTELE_RAW_DIR": str(self.raw), "CLIENTELE_THREADS": "4"},
            "stdin": subprocess.DEVNULL,
        }

    def dbt(self, *arguments):
        """Run dbt; returns the finished process, its output in `stdout`."""
        return subprocess.run(**self.command(*arguments), capture_output=True, text=True)

    def build(self, *arguments):
        """Load the raw files and build, which must end green."""
        for command in (["run-operation", "load_raw"], ["build", *arguments]):
            result = self.dbt(*command)
            assert result.returncode == 0, result.stdout[-5000:]
        return self


def make_account(emulator, raw, work):
    """Set an empty account up."""
    for statement in SETUP:
        emulator.query(statement)
    return Account(emulator, raw, work)


@pytest.fixture(scope="session")
def account(tmp_path_factory):
    """Build the sample shop on an emulator once, unit tests included; tests only read it."""
    work = tmp_path_factory.mktemp("snowflake")
    with Emulator(work / "data") as emulator:
        yield make_account(emulator, SAMPLE, work).build()


@pytest.fixture(scope="session")
def scratch(tmp_path_factory):
    """Start an emulator without a shop, for single statements."""
    with Emulator(tmp_path_factory.mktemp("scratch")) as emulator:
        emulator.query("create schema if not exists analytics.core", database="ANALYTICS")
        yield emulator


def refusal(emulator, statement):
    """Return the message of the error that a statement must end in."""
    with pytest.raises(Exception) as caught:
        emulator.query(statement, database="ANALYTICS", schema="CORE")
    return str(caught.value)


def test_marts_equal_those_of_duckdb(account, sample):
    marts = public_marts(account.work / "target/manifest.json")
    assert len(marts) > 20
    assert first_difference(sample.database, account.emulator, marts) is None


def test_parity_names_the_first_difference(account, sample, tmp_path):
    import duckdb

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


def test_malformed_lines_land_like_on_duckdb(account, sample):
    query = """
        select entity, raw_record from staging.rejected_rows
        where rule = 'malformed_row' order by entity, raw_record
        """
    rows = account.emulator.query(query.replace("staging.", "analytics.staging."))
    assert rows == sample.query(query)
    assert len(rows) >= 10


def test_training_reads_its_sample_only(account):
    """A full to_pandas would bring more rows out of the server than the sample has."""
    [(rows,)] = account.emulator.query(
        """
        select max(rows_produced) from snowflake.account_usage.query_history
        where query_tag like '%churn_model%' or query_tag like '%value_model%'
        """
    )
    [(sampled,)] = account.emulator.query(
        "select count(*) from analytics.features.int_training_sample"
    )
    [(snapshots,)] = account.emulator.query(
        "select count(*) from analytics.features.int_customer_snapshots"
    )
    assert 0 < rows <= sampled < snapshots


def test_reporter_sees_masks(account):
    query = "select distinct email from analytics.core.dim_customers where email is not null"
    assert account.emulator.query(query, role="REPORTER") == [("***",)]
    assert len(account.emulator.query(query, role="TRANSFORMER")) > 1


def test_marts_are_granted_to_the_reporter(account):
    grants = account.emulator.query("show grants on analytics.customers.customer_360")
    assert [(row[1], row[5]) for row in grants] == [("SELECT", "REPORTER")]


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("list_sort(array_construct(2, 1))", "Unknown function LIST_SORT"),
        ("columns(*)", "Unknown function COLUMNS"),
        ("strftime(current_date, '%Y')", "Unknown function STRFTIME"),
        ("epoch_ms(current_timestamp)", "Unknown function EPOCH_MS"),
        ("extract(isodow from current_date)", "'isodow' is not a valid date/time component"),
        ("count(*) filter (where true)", "unexpected 'FILTER'"),
        ("1 / 0", "Division by zero"),
    ],
)
def test_what_snowflake_lacks_is_refused(scratch, expression, named):
    assert named in refusal(scratch, f"select {expression} from (select 1 as a) as one")


def test_unknown_statements_are_refused(scratch):
    assert "does not know this statement: vacuum" in refusal(scratch, "vacuum")


def test_lower_case_columns_are_not_found_without_quotes(scratch):
    procedure(
        scratch, "['pandas==2.2.3']", "import pandas", "pandas.DataFrame({'customer_id': [1]})"
    )
    message = refusal(scratch, "select customer_id from written")
    assert "invalid identifier 'CUSTOMER_ID'" in message
    procedure(
        scratch, "['pandas==2.2.3']", "import pandas", "pandas.DataFrame({'CUSTOMER_ID': [1]})"
    )
    assert scratch.query("select customer_id from analytics.core.written") == [(1,)]


@pytest.mark.parametrize(
    ("packages", "imports", "named"),
    [
        ("['pandas==2.2.3']", "import pandas, sklearn.cluster", "'sklearn' is imported but not in"),
        ("['pandas']", "import pandas", "Package 'pandas' is not pinned"),
        ("['pandas==2.2.3']", "import pandas\nraise KeyError('lost')", "KeyError: 'lost'"),
    ],
)
def test_a_wrong_procedure_is_named(scratch, packages, imports, named):
    with pytest.raises(Exception, match="(?s)" + named.replace("(", r"\(")):
        procedure(scratch, packages, imports, "pandas.DataFrame()")


def procedure(emulator, packages, imports, frame):
    """Run an anonymous procedure that writes a frame into the table WRITTEN, as dbt does."""
    emulator.query(
        f"""
        with writer as procedure ()
        returns string language python runtime_version = '3.11'
        packages = ({packages.strip("[]")}) handler = 'main' execute as caller as $$
{imports}
def main(session):
    frame = session.create_dataframe({frame})
    frame.write.mode("overwrite").save_as_table("analytics.core.written")
    return "OK"
$$
        call writer();
        """,
        database="ANALYTICS",
        schema="CORE",
    )


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
    # Other tests run the data tests; equal marts prove more here.
    build = ["--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"]
    build += ["--exclude", "tag:train+"]
    shop.build(*build)
    with Emulator(tmp_path / "data") as emulator:
        make_account(emulator, raw, tmp_path).build(*build)
    (raw / "orders.csv").write_bytes(b"".join(orders))
    shop.build(*build)
    with Emulator(tmp_path / "data") as emulator:
        half = make_account(emulator, raw, tmp_path)
        assert half.dbt("run-operation", "load_raw").returncode == 0
        with subprocess.Popen(
            **half.command("build", *build), stdout=subprocess.PIPE, text=True
        ) as process:
            for line in process.stdout:
                if "fct_order_lines" in line and "OK created" in line:
                    emulator.process.kill()
                    break
            process.kill()
    with Emulator(tmp_path / "data") as emulator:
        make_account(emulator, raw, tmp_path).build(*build)
        marts = public_marts(tmp_path / "target/manifest.json")
        built = {
            row[0]
            for row in emulator.query(
                "select lower(table_schema || '.' || table_name)"
                " from analytics.information_schema.tables"
            )
        }
        marts = {mart: key for mart, key in marts.items() if mart in built}
        assert len(marts) > 8
        assert first_difference(shop.database, emulator, marts) is None
