"""Prove the whole path on a real account, in schemas of its own that are dropped again.

Without an account in the environment it says what it would do. With --models-only it leaves the
data tests out.
"""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

from sample.generate import generate  # noqa: E402

ESTIMATE = """\
About 1,300 statements in about eight minutes, on the warehouse that SNOWFLAKE_WAREHOUSE names: as
XSMALL, at 1 credit an hour, 0.15 credits, 30 to 60 cents at 2 to 4 dollars a credit. It writes to
{database}.{schema}* alone, and drops that at the end.
"""
# As much training as proves that training works.
VARIABLES = {"segment_starts": 10, "segment_history_months": 2}
BUILD = ["build", "--exclude-resource-type", "unit_test", "--vars", json.dumps(VARIABLES)]
# What comes after a failure costs credits and proves nothing.
BUILD += ["--fail-fast"]
if "--models-only" in sys.argv:
    BUILD += ["--exclude-resource-type", "test"]


def dbt(*arguments, **options):
    """Run dbt on the account; raises when it fails."""
    command = [Path(sys.executable).parent / "dbt", *arguments, "--target", "snowflake"]
    return subprocess.run(command, cwd=PROJECT, check=True, text=True, **options)


def export(model, kind="csv"):
    """Return a built model as the rows of its export."""
    arguments = json.dumps({"model": model, "format": kind})
    quiet = ["--quiet", "run-operation", "export", "--args", arguments]
    text = dbt(*quiet, capture_output=True).stdout
    return list(csv.DictReader(io.StringIO(text))) if kind == "csv" else json.loads(text)


def make_shop(raw):
    """Write a small shop whose orders are a Parquet file with moments, not text."""
    generate(raw, customers=300, months=24, seed=5, clean=True)
    duckdb.sql(
        f"""
        copy (
            select * replace (cast(order_date as timestamp) as order_date)
            from read_csv('{raw}/orders.csv', all_varchar = true)
        ) to '{raw}/orders.parquet' (format parquet)
        """
    )
    (raw / "orders.csv").unlink()


def connect(raw):
    """Reach the account."""
    dbt("debug", "--connection")


def packages(raw):
    """Find every pinned Python package in the account's Anaconda channel."""
    dbt("run-operation", "check_packages")


def load(raw):
    """Load a small generated shop: CSV, JSON lines, and Parquet with timestamps."""
    make_shop(raw)
    dbt("run-operation", "load_raw")


def build(raw):
    """Build and test every layer, and train every model."""
    dbt(*BUILD)
    [orders] = [row for row in export("data_quality_summary") if row["entity"] == "orders"]
    if int(orders["rejected_count"]) or not int(orders["accepted_count"]):
        raise SystemExit(f"Of the orders of a clean shop some were rejected: {orders}")


def change(raw):
    """Change one price, load and build again: the new price takes the place of the old."""
    products = f"read_parquet('{raw}/products.parquet')"
    [(product, price)] = duckdb.sql(
        f"select upper(product_id), price + 1 from {products} order by 1 limit 1"
    ).fetchall()
    duckdb.sql(
        f"""
        copy (
            select * replace (price + (upper(product_id) = '{product}')::integer as price)
            from {products}
        ) to '{raw}/changed.parquet' (format parquet)
        """
    )
    (raw / "changed.parquet").replace(raw / "products.parquet")
    dbt("run-operation", "load_raw")
    dbt(*BUILD, "--exclude", "tag:train")
    prices = [row for row in export("dim_product_prices") if row["product_id"] == product]
    if [float(row["price"]) for row in prices] != [float(price)]:
        raise SystemExit(f"{product} now costs {price}; dim_product_prices has {prices}.")


def masks(raw):
    """Read dim_customers as the reporter: every name, e-mail and city is masked."""
    dbt("run-operation", "check_masking")


def exports(raw):
    """Export segments as CSV and the parameters of a model as JSON."""
    if not export("customer_segments") or not export("churn_parameters", "json"):
        raise SystemExit("An export is empty.")


# What each step's failure means, in most cases.
STEPS = {
    connect: "Account, user, key or network policy: what `dbt debug` says of the connection.",
    packages: "Anaconda's terms are not accepted, or the channel lacks a pin of dbt_project.yml.",
    load: "The role may not create a schema, or the stage refuses a file: the statement is above.",
    build: "A statement that Snowflake reads otherwise than its documentation and our emulator.",
    change: "A snapshot's MERGE, or a second load, did other than on the emulator.",
    masks: "The masking policy is missing (setup_snowflake), or the user lacks REPORTER.",
    exports: "The export's query, or the way dbt prints its result.",
}


def main():
    """Take all steps, and drop what they made, also after a failure."""
    print("Steps:", *(f"  {step.__name__}: {step.__doc__}" for step in STEPS), sep="\n")
    if not (os.environ.get("SNOWFLAKE_ACCOUNT") and os.environ.get("SNOWFLAKE_USER")):
        print("SNOWFLAKE_ACCOUNT or SNOWFLAKE_USER is not set, so nothing was done.")
        return
    database = os.environ.get("SNOWFLAKE_DATABASE", "ANALYTICS")
    schema = f"smoke_{int(time.time())}"
    print(ESTIMATE.format(database=database, schema=schema), flush=True)
    # A job that is cancelled cleans up too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Cancelled."))
    with tempfile.TemporaryDirectory(prefix="clientele_smoke_") as folder:
        raw = Path(folder)
        # The landing tables stand in a scratch schema too.
        os.environ |= {"SNOWFLAKE_SCHEMA": schema, "RAW_DATABASE": database, "RAW_SCHEMA": schema}
        os.environ["CLIENTELE_RAW_DIR"] = folder
        try:
            for step, meaning in STEPS.items():
                print(f"== {step.__name__}", flush=True)
                began = time.monotonic()
                try:
                    step(raw)
                except (Exception, SystemExit) as error:
                    print(f"== {step.__name__} FAILED: {error}\n{meaning}", flush=True)
                    sys.exit(1)
                print(f"== {step.__name__}: {time.monotonic() - began:.0f} s", flush=True)
        finally:
            print("== drop", flush=True)
            dbt("run-operation", "drop_scratch")
    print("All steps passed, and nothing is left.")


if __name__ == "__main__":
    main()
