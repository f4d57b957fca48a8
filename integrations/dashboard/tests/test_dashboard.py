"""The dashboard in a real browser, over the sample shop: figures, states, access."""

import ast
import csv
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from conftest import PROJECT
from integrations.dashboard.audience import to_csv
from snowflake_emulator import Emulator
from snowflake_emulator.launch import ACCESS


def titles_by_path():
    """Return what app.py calls its pages, by path; read, since importing the app would run it."""
    app = ast.parse((PROJECT / "integrations/dashboard/app.py").read_text())
    (pages,) = (
        node.value
        for node in app.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "PAGES"
    )
    (_, first), *others = ast.literal_eval(pages)
    return {"": first, **dict(others)}


PAGES = titles_by_path()


@contextmanager
def dashboard(database, folder, app="integrations/dashboard/app.py", **settings):
    """Serve the dashboard on a port of its own; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / f"{port}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", app] + ["--server.port", str(port)],
            cwd=PROJECT,
            env=os.environ | {"CLIENTELE_DUCKDB": str(database)} | settings,
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 60
        with socket.socket() as probe:
            while probe.connect_ex(("127.0.0.1", port)):
                assert process.poll() is None and time.monotonic() < deadline, log.name
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def launched(playwright):
    """Start the machine's Chromium; gives a context, or None where there is no Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        yield None
        return
    # Chromium's sandbox does not start for root, as whom containers run their tests.
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    browser = playwright.chromium.launch(executable_path=path, args=sandbox)
    # One context for all pages: Streamlit's own files are fetched once.
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(30_000)
    yield context
    browser.close()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright, launched(playwright) as context:
        if context is None:
            pytest.skip("There is no Chromium on this machine: apt-get install chromium.")
        yield context


@pytest.fixture
def page(browser):
    """Open an empty page; at the end, no request of it went to another machine."""
    page = browser.new_page()
    page.requested = []
    page.on("request", lambda request: page.requested.append(request.url))
    yield page
    page.close()
    elsewhere = [
        url for url in page.requested if not re.match("(http|ws)://127.0.0.1|blob:|data:", url)
    ]
    assert not elsewhere


@pytest.fixture(scope="module")
def address(sample, tmp_path_factory):
    """Serve the dashboard over the sample."""
    with dashboard(sample.database, tmp_path_factory.mktemp("dashboard")) as address:
        yield address


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    """Serve the dashboard, personal data shown, over a path at which nothing stands."""
    folder = tmp_path_factory.mktemp("stand")
    path = folder / "shop.duckdb"
    with dashboard(path, folder, CLIENTELE_PERSONAL_DATA="show") as address:
        yield path, address


@pytest.fixture(scope="module")
def empty(sample, tmp_path_factory):
    """Copy the sample's database without a row in any mart."""
    path = tmp_path_factory.mktemp("empty") / "empty.duckdb"
    shutil.copy(sample.database, path)
    with duckdb.connect(str(path)) as connection:
        for (name,) in connection.execute(
            """
            select table_schema || '.' || table_name from information_schema.tables
            where table_type = 'BASE TABLE' and table_schema in
                ('core', 'customers', 'sales', 'inventory', 'monitoring')
            """
        ).fetchall():
            connection.execute(f"delete from {name}")
    return path


def swap(source, path):
    """Put a database in the place of the one that is read, in one step, as `make build` does."""
    shutil.copy(source, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def settled(page, url=None):
    """Go to a page and wait until it has run and shown everything."""
    if url:
        page.goto(url)
    state = "[data-test-connection-state=CONNECTED][data-test-script-state=notRunning]"
    page.locator(f"[data-testid=stApp]{state}").wait_for()
    page.locator("h1").first.wait_for()
    expect(page.locator("[data-stale=true], [data-testid=stSkeleton]")).to_have_count(0)
    charts = page.get_by_test_id("stVegaLiteChart")
    expect(charts.locator("canvas, svg.marks")).to_have_count(charts.count())
    return page


def figure(page, label):
    """Return the place of a figure by its label."""
    title = page.get_by_test_id("stMetricLabel").get_by_text(label, exact=True)
    return page.get_by_test_id("stMetric").filter(has=title).get_by_test_id("stMetricValue")


def one(shop, sql):
    """Return a query's only row."""
    [row] = shop.query(sql)
    return row


def choose(page, label, choice):
    """Choose in a multiselect or selectbox, by keyboard."""
    settled(page)
    box = page.get_by_role("combobox", name=re.compile(f"{label}$"))
    box.fill(choice)
    page.get_by_role("option", name=choice, exact=True).wait_for()
    box.press("Enter")
    # The list of a multiselect stays open, and hides everything else from a screen reader.
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_and_is_accessible(page, address, name):
    settled(page, f"{address}/{name}")
    expect(page.locator("h1")).to_have_text(PAGES[name])
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    assert page.get_by_test_id("stMetric").count() >= 4
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        app, white = expect(page.get_by_test_id("stApp")), "rgb(255, 255, 255)"
        is_as_asked = app.to_have_css if scheme == "light" else app.not_to_have_css
        is_as_asked("background-color", white)
        found = Axe().run(page).response["violations"]
        faults = [
            (fault["id"], [node["html"][:200] for node in fault["nodes"]])
            for fault in found
            if fault["impact"] in ("serious", "critical")
        ]
        assert not faults, (scheme, faults)


def test_overview_has_the_key_figures_of_the_month_that_is_chosen(page, address, sample):
    settled(page, address)
    kpis = dict(
        sample.query(
            """
            select kpi, kpi_value from sales.business_kpis
            where period = 'month' and month_date = date '2024-12-01'
            """
        )
    )
    choose(page, "Month", "December 2024")
    for label, kpi in [("Revenue", "revenue"), ("Orders", "orders"), ("Margin", "margin")]:
        expect(figure(page, label)).to_have_text(f"{kpis[kpi]:,.0f}")
    expect(figure(page, "Repeat rate")).to_have_text(f"{kpis['repeat_rate']:.0%}")
    customers, money = one(
        sample, "select count(*), sum(money_at_risk) from customers.customer_360"
    )
    expect(figure(page, "Customers")).to_have_text(f"{customers:,}")
    expect(figure(page, "Money at risk")).to_have_text(f"{money:,.0f}")


def test_filters_of_segments_narrow_figures_and_file(page, address, sample):
    settled(page, f"{address}/segments")
    everybody = one(sample, "select count(*) from customers.customer_rfm")[0]
    expect(figure(page, "Customers")).to_have_text(f"{everybody:,}")
    choose(page, "Segment", "Champions")
    choose(page, "Country", "France")
    where = "from customers.customer_360 where rfm_segment = 'Champions' and country = 'France'"
    count, revenue, money = one(
        sample, f"select count(*), sum(monetary), sum(money_at_risk) {where}"
    )
    expect(figure(page, "Customers")).to_have_text(f"{count:,}")
    expect(figure(page, "Revenue")).to_have_text(f"{revenue:,.0f}")
    expect(figure(page, "Money at risk")).to_have_text(f"{money:,.0f}")
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all of them as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    ids = sample.query(f"select customer_id {where}")
    assert sorted(row["customer_id"] for row in rows) == sorted(id_ for (id_,) in ids)
    assert not {"customer_name", "email", "city"} & rows[0].keys()
    assert sum(float(row["monetary"]) for row in rows) == pytest.approx(float(revenue))


def test_segments_of_behaviour_are_another_split(page, address, sample):
    settled(page, f"{address}/segments").get_by_text("Behaviour (KMeans)").click()
    choose(page, "Segment", "High-Value")
    count = one(
        sample, "select count(*) from customers.customer_segments where segment_name = 'High-Value'"
    )[0]
    expect(figure(page, "Customers")).to_have_text(f"{count:,}")


def test_a_row_of_customers_opens_their_page(page, address, sample):
    settled(page, f"{address}/segments")
    # The grid is drawn on a canvas: the box of its first row.
    page.get_by_test_id("stDataFrame").nth(1).click(position={"x": 18, "y": 52})
    expect(page.locator("h1")).to_have_text("Customer")
    orders = one(
        sample,
        """
        select frequency from customers.customer_360 where has_ordered
        order by money_at_risk desc nulls last, monetary desc, customer_id limit 1
        """,
    )[0]
    expect(figure(page, "Orders")).to_have_text(f"{orders:,}")


def test_a_budget_reaches_those_with_the_most_money_at_risk(page, address, sample):
    settled(page, f"{address}/churn")
    slider = page.get_by_role("slider")
    budget = float(slider.input_value())
    step = float(slider.get_attribute("max")) / 100
    for presses in (0, 3):
        for _ in range(presses):
            slider.press("ArrowRight")
        count = int((budget + presses * step + 0.005) / 5)
        reached = one(
            sample,
            f"""
            select sum(money_at_risk) from (
                select money_at_risk from customers.campaign_audience
                where campaign_group = 'treatment'
                order by money_at_risk desc, customer_id limit {count}
            )
            """,
        )[0]
        expect(figure(page, "Customers reached")).to_have_text(f"{count:,}")
        expect(figure(page, "Money at risk").last).to_have_text(f"{reached:,.0f}")


def test_sales_and_stock_are_the_marts(page, address, sample):
    settled(page, f"{address}/sales").get_by_text("All", exact=True).click()
    revenue, orders = one(sample, "select sum(revenue), sum(order_count) from sales.daily_sales")
    expect(figure(page, "Revenue")).to_have_text(f"{revenue:,.0f}")
    expect(figure(page, "Orders")).to_have_text(f"{orders:,}")
    settled(page, f"{address}/inventory")
    choose(page, "Category", "Books")
    products, value = one(
        sample,
        """
        select count(*), sum(stock_value) from inventory.inventory_status
        where category = 'Books'
        """,
    )
    expect(figure(page, "Products")).to_have_text(f"{products:,}")
    expect(figure(page, "Stock value")).to_have_text(f"{value:,.0f}")


def test_a_customer_is_found_by_id_without_personal_data(page, address, sample):
    settled(page, f"{address}/customer?customer_id=c000042")
    orders, revenue, reason, email = one(
        sample,
        """
        select frequency, monetary, coalesce(churn_reason_1, churn_status_reason), email
        from customers.customer_360 where customer_id = 'C000042'
        """,
    )
    expect(figure(page, "Orders")).to_have_text(f"{orders:,}")
    expect(figure(page, "Revenue")).to_have_text(f"{revenue:,.0f}")
    expect(page.get_by_text(reason, exact=True)).to_be_visible()
    assert email not in page.content()
    settled(page, f"{address}/customer?customer_id=![](http://elsewhere.example)")
    expect(page.get_by_text("There is no customer with this id: check it.")).to_be_visible()


def test_any_customer_can_be_asked_for(page, address, sample):
    """One after the other, the last of them without an order."""
    settled(page, f"{address}/customer")
    ids = "'C000042', (select min(customer_id) from customers.customer_360 where not has_ordered)"
    for id_, orders in sample.query(
        f"""
        select customer_id, frequency from customers.customer_360 where customer_id in ({ids})
        order by has_ordered desc
        """
    ):
        box = page.get_by_role("combobox")
        box.fill(id_.lower())
        box.press("Enter")
        expect(page).to_have_url(re.compile(f"customer_id={id_}"))
        expect(figure(page, "Orders")).to_have_text("–" if orders is None else f"{orders:,}")
        settled(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)


def test_pages_are_reached_by_keyboard(page, address):
    settled(page, address)
    link = page.get_by_role("link", name="Churn")
    link.focus()
    link.press("Enter")
    expect(page.locator("h1")).to_have_text("Churn")


def test_a_database_that_comes_is_swapped_or_written_needs_no_restart(
    page, browser, stand, sample, empty
):
    path, address = stand
    path.unlink(missing_ok=True)
    settled(page, address)
    expect(page.get_by_text(f"There is no database {path}: run make build")).to_be_visible()
    swap(sample.database, path)
    settled(page, address)
    expect(figure(page, "Customers")).to_have_text("2,000")
    swap(empty, path)
    settled(page, address)
    expect(page.get_by_text("No order has been accepted yet")).to_be_visible()
    # A plain dbt build writes in place, which locks readers in other processes out.
    with duckdb.connect(str(path)):
        settled(page, f"{address}/models")
        expect(page.get_by_text(f"{path} cannot be read now").first).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)
    settled(page, f"{address}/models")
    expect(page.get_by_text(f"{path} cannot be read now")).to_have_count(0)


@pytest.mark.parametrize("name", PAGES)
def test_an_empty_shop_is_told_so(page, stand, empty, name):
    path, address = stand
    swap(empty, path)
    settled(page, f"{address}/{name}")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    assert page.get_by_test_id("stAlertContentInfo").count()


def test_a_missing_mart_is_named_and_the_rest_of_the_page_stands(page, stand, sample, tmp_path):
    path, address = stand
    older = tmp_path / "older.duckdb"
    shutil.copy(sample.database, older)
    with duckdb.connect(str(older)) as connection:
        connection.execute("drop table core.fct_returns")
        connection.execute("alter table sales.product_recommendations drop column reason")
    swap(older, path)
    settled(page, f"{address}/customer?customer_id=C000042")
    expect(page.get_by_test_id("stAlertContentError")).to_have_text(
        [
            re.compile("core.fct_orders or core.fct_returns is missing"),
            re.compile("core.dim_products or sales.product_recommendations is missing, lacks"),
        ]
    )
    expect(page.get_by_text("Scores at the start of each month")).to_be_visible()


def test_personal_data_is_shown_where_it_was_asked_for(page, stand, sample):
    path, address = stand
    swap(sample.database, path)
    email = one(sample, "select email from customers.customer_360 where customer_id = 'C000551'")[0]
    settled(page, f"{address}/customer?customer_id=C000551")
    expect(page.get_by_text(email)).to_be_visible()


@pytest.fixture(scope="module")
def account(sample, tmp_path_factory):
    """Put the sample's marts into an emulated account, under their upper-case names."""
    folder = tmp_path_factory.mktemp("account")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{folder / 'ANALYTICS.db'}' as account")
        connection.execute(f"attach '{sample.database}' as shop (read_only)")
        for schema, name in connection.execute(
            """
            select table_schema, table_name from information_schema.tables
            where table_catalog = 'shop' and (
                table_schema in ('core', 'customers', 'sales', 'inventory', 'monitoring')
                or table_name in ('rejected_rows', 'rejection_rules')
            )
            """
        ).fetchall():
            columns = connection.execute(f"describe shop.{schema}.{name}").fetchall()
            names = ", ".join(f'{column[0]} as "{column[0].upper()}"' for column in columns)
            connection.execute(f'create schema if not exists account."{schema.upper()}"')
            connection.execute(
                f'create table account."{schema.upper()}"."{name.upper()}" as '
                f"select {names} from shop.{schema}.{name}"
            )
    with Emulator(folder) as emulator:
        yield emulator


def figures(page, address, names):
    """Walk through pages by the navigation; returns the figures of each, none of them an error."""
    settled(page, address)
    shown = {}
    for name in names:
        page.get_by_role("link", name=PAGES[name], exact=True).click()
        expect(page.locator("h1")).to_have_text(PAGES[name])
        settled(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
        shown[name] = page.get_by_test_id("stMetricValue").all_inner_texts()
    return shown


def test_on_snowflake_every_page_has_the_same_figures(page, address, account, tmp_path):
    settings = {"DBT_TARGET": "snowflake"} | account.environment
    with dashboard("none", tmp_path, **settings) as snowflake:
        assert figures(page, snowflake, PAGES) == figures(page, address, PAGES)


def test_inside_of_snowflake_the_folder_is_enough(page, address, account, tmp_path):
    """As Snowflake runs it: this folder alone, and a connection that is given."""
    folder = tmp_path / "app"
    shutil.copytree(PROJECT / "integrations" / "dashboard", folder)
    access = ACCESS | {"port": account.port, "database": "ANALYTICS", "role": "REPORTER"}
    lines = [f"{key} = {json.dumps(value)}" for key, value in access.items()]
    (folder / ".streamlit" / "secrets.toml").write_text(
        "\n".join(["[connections.snowflake]", *lines])
    )
    with dashboard("none", tmp_path, app=folder / "app.py") as snowflake:
        assert figures(page, snowflake, ["customer"]) == figures(page, address, ["customer"])


def test_a_spreadsheet_runs_nothing_of_a_file():
    rows = pd.DataFrame(
        {
            "customer_id": ["=1+1", "@SUM(A1)", "-2", "\t=1", " +1", "C1", None],
            "monetary": [-1.5, 2, 3, 4, 5, 6, 7],
        }
    )
    written = pd.read_csv(io.BytesIO(to_csv(rows)), dtype=str, keep_default_na=False)
    assert list(written["customer_id"]) == ["'=1+1", "'@SUM(A1)", "'-2", "'\t=1", "' +1", "C1", ""]
    assert list(written["monetary"])[0] == "-1.5"
