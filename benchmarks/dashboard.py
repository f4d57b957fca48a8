"""Opening times of the dashboard's pages for a shop of a million customers.

    .venv/bin/python benchmarks/dashboard.py sample.duckdb

The sample's customers, with their scores, histories, orders and recommendations, are repeated 500
times under other ids. Every page is opened twice by a click in the navigation: right after the
dashboard was started, with nothing cached, and again. Beside it stands how long the page's queries
take without a dashboard. Needs a Chromium.
"""

import argparse
import logging
import os
import re
import runpy
import shutil
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from playwright.sync_api import sync_playwright

PROJECT = Path(__file__).parents[1]
APP = PROJECT / "integrations" / "dashboard"
sys.path[:0] = [str(PROJECT), str(APP)]

import warehouse  # noqa: E402

from integrations.dashboard.tests.test_dashboard import (  # noqa: E402
    PAGES,
    dashboard,
    launched,
    settled,
)

COPIES = 500
REPEATED = [
    "customers.customer_360",
    "customers.customer_churn",
    "customers.customer_value",
    "customers.customer_rfm",
    "customers.segment_history",
    "core.fct_orders",
    "core.fct_returns",
    "sales.product_recommendations",
]


def repeat(database):
    """Repeat the rows of all tables of customers, with ids of their own."""
    with duckdb.connect(str(database)) as connection:
        for table in REPEATED:
            names = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
            columns = ", ".join(
                f"{name} || '-' || copy as {name}" if name in ("customer_id", "order_id") else name
                for name in names
            )
            connection.execute(
                f"""
                create table {table}_repeated as
                select {columns} from {table}, range({COPIES}) as copies(copy)
                """
            )
            connection.execute(f"drop table {table}")
            connection.execute(f"alter table {table}_repeated rename to {table.split('.')[1]}")
        return connection.execute("select count(*) from customers.customer_360").fetchone()[0]


def query_seconds(name):
    """Return how long the queries of a page take, without a browser."""
    # Pages run outside of a server warn of it at every line.
    logging.disable(logging.WARNING)
    answer, seconds = warehouse.answer, []

    def timed(*arguments):
        start = time.perf_counter()
        rows = answer(*arguments)
        seconds.append(time.perf_counter() - start)
        return rows

    warehouse.answer = timed
    runpy.run_path(str(APP / "views" / f"{name or 'overview'}.py"))
    warehouse.answer = answer
    return sum(seconds)


def click_seconds(page, title):
    """Return the time from a click in the navigation to a page that stands, charts drawn."""
    start = time.perf_counter()
    page.get_by_role("link", name=title, exact=True).click()
    page.locator("h1", has_text=re.compile(f"^{title}$")).wait_for()
    settled(page)
    return time.perf_counter() - start


def main():
    """Measure, and print the table of the dashboard's README."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("database", type=Path)
    source = parser.parse_args().database
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = folder / "shop.duckdb"
        shutil.copy(source, database)
        customers = repeat(database)
        os.environ["CLIENTELE_DUCKDB"] = str(database)
        print(f"{customers:,} customers, {os.cpu_count()} cores; seconds\n")
        print("| page | its queries | first opening | again |\n|---|---|---|---|")
        with sync_playwright() as playwright, launched(playwright) as browser:
            for name, title in PAGES.items():
                queries = query_seconds(name)
                other = "data" if name != "data" else "models"
                with dashboard(database, folder) as address:
                    page = browser.new_page()
                    settled(page, f"{address}/{other}")
                    first = click_seconds(page, title)
                    click_seconds(page, PAGES[other])
                    again = click_seconds(page, title)
                    page.close()
                print(f"| {title} | {queries:.2f} | {first:.2f} | {again:.2f} |")


if __name__ == "__main__":
    main()
