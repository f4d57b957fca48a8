"""Scores by the SQL that dbt compiled, on an in-memory DuckDB that holds the learnt parameters.

There is one formula, and it stands in the models: what the API answers is what the marts say. A
customer's features, or order days, stand in the table that the models read; the models are tables
made anew for each answer, one after the other: as views of each other they took twice the time.
"""

import json
import os
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

PROJECT = Path(__file__).parents[2]
# Models that lead from features to the answer, in the order in which they read each other.
CHAIN = [
    "int_segment_features",
    "churn_tree_scores",
    "churn_scores",
    "customer_churn",
    "next_order_scores",
    "value_scores",
    "customer_value",
    "segment_scores",
    "customer_segments",
]
# What they read of each customer; everything else that they read is small, and the same for all.
PER_CUSTOMER = ["int_customer_snapshots", "dim_customers", "fct_order_lines"]
ANSWER = """
    select
        customer_churn.customer_id,
        customer_churn.churn_probability,
        customer_churn.risk_band,
        customer_churn.score_status,
        customer_churn.score_reason,
        list_filter([reason_1, reason_2, reason_3], lambda reason: reason is not null) as reasons,
        customer_value.predicted_orders,
        customer_value.predicted_value,
        customer_value.money_at_risk,
        customer_value.next_order_date,
        customer_segments.segment_name,
        customer_segments.recommended_action,
        customer_churn.model_version,
        customer_churn.as_of_date
    from customers.customer_churn as customer_churn
    left join customers.customer_value as customer_value using (customer_id)
    left join customers.customer_segments as customer_segments using (customer_id)
    order by customer_churn.customer_id
"""


class NotBuilt(Exception):
    """The shop's database lacks what scoring needs; the text says what to do."""


def compile_models(folder):
    """Let dbt compile the models, and the features of one day, for the database of this shop.

    Parameters
    ----------
    folder : Path
        Where dbt's artefacts go.

    Returns
    -------
    dict
        Nodes of dbt's manifest by name; `snapshot_sql` is that of the features.
    """
    dbt = [Path(sys.executable).parent / "dbt", "--quiet"]
    place = ["--target", "duckdb", "--target-path", folder]
    selected = [*dbt, "compile", *place, "--select", *CHAIN]
    run = {"cwd": PROJECT, "check": True, "text": True, "stdout": subprocess.PIPE}
    subprocess.run(selected, **run)
    nodes = json.loads((Path(folder) / "manifest.json").read_text())["nodes"]
    by_name = {node["name"]: node for node in nodes.values() if node["resource_type"] != "test"}
    # The day is put in later: it changes with every build.
    inline = "{{ customer_snapshot(['2000-01-01']) }}"
    compiled = subprocess.run(
        [*dbt, "compile", *place, "--output", "json", "--inline", inline], **run
    )
    return by_name | {"snapshot_sql": json.loads(compiled.stdout)["compiled"]}


class Scorer:
    """Answers for customers of one shop; takes in a new build by itself.

    Parameters
    ----------
    database : Path
        The shop's DuckDB file, opened only to copy parameters from it and to look at marts.
    models : dict
        What `compile_models` gave.
    """

    # What DuckDB says of a value that its column cannot hold.
    BadFeature = (duckdb.ConversionException, duckdb.OutOfRangeException)

    def __init__(self, database, models):
        self.database = Path(database)
        self.models = models
        self.lock = threading.Lock()
        self.build = None
        self.refresh()

    def refresh(self):
        """Copy the parameters of a build that is newer than the one in use."""
        if not self.database.exists():
            raise NotBuilt(f"There is no shop in {self.database}: run `make build` first.")
        status = os.stat(self.database)
        build = (status.st_mtime_ns, status.st_ino)
        if build == self.build:
            return
        name = self.models["customer_churn"]["database"]
        memory = duckdb.connect()
        memory.execute(f'attach \':memory:\' as "{name}"; use "{name}"; set threads = 1')
        memory.execute(f"attach '{self.database}' as built_shop (read_only)")
        try:
            self.copy(memory)
        except duckdb.CatalogException as error:
            raise NotBuilt(
                f"{self.database} lacks a table that scoring needs: run `make build`. {error}"
            ) from error
        memory.execute("detach built_shop")
        self.memory, self.build = memory, build

    def copy(self, memory):
        """Copy what all customers share."""
        read = {
            node.split(".")[-1]: node
            for name in CHAIN
            for node in self.models[name]["depends_on"]["nodes"]
        }
        for name in [*read, "int_customer_days", "int_snapshot_dates"]:
            if name in CHAIN or name not in self.models:
                continue
            schema = self.models[name]["schema"]
            memory.execute(f"create schema if not exists {schema}")
            few = "where false" if name in [*PER_CUSTOMER, "int_customer_days"] else ""
            memory.execute(
                f"create or replace table {schema}.{name} as from built_shop.{schema}.{name} {few}"
            )
        # The one thing that value takes from all order lines is the shop's margin.
        memory.execute(
            """
            insert into core.fct_order_lines by name
            select 'shop' as customer_id, false as is_cancelled, 1e12 as line_revenue,
                1e12 * predicted_profit / predicted_value as line_margin
            from built_shop.customers.customer_value
            where predicted_value > 0 and predicted_profit is not null
            order by predicted_value desc, customer_id limit 1
            """
        )
        for name in CHAIN:
            memory.execute(f"create schema if not exists {self.models[name]['schema']}")
        self.as_of_date = memory.execute("select as_of_date from staging.as_of_date").fetchone()[0]
        self.features = [
            row[0] for row in memory.execute("describe features.int_customer_snapshots").fetchall()
        ]

    def score(self, features):
        """Score customers by their features.

        Parameters
        ----------
        features : DataFrame
            Columns of `features.int_customer_snapshots`; one that is left out is null.

        Returns
        -------
        list of dict
            One answer per customer, by customer_id.
        """
        with self.lock:
            features = features.assign(snapshot_date=self.as_of_date)
            self.memory.execute("delete from features.int_customer_snapshots")
            self.memory.execute("delete from core.dim_customers")
            self.memory.execute("insert into features.int_customer_snapshots by name from features")
            self.memory.execute(
                "insert into core.dim_customers by name select customer_id from features"
            )
            for name in CHAIN:
                model = self.models[name]
                self.memory.execute(
                    f"create or replace table {model['schema']}.{name} as {model['compiled_code']}"
                )
            table = self.memory.execute(ANSWER)
            names = [column[0] for column in table.description]
            return [dict(zip(names, row, strict=True)) for row in table.fetchall()]

    def features_of(self, customer_days):
        """Features of customers by their days, as the model `int_customer_snapshots` makes them.

        Parameters
        ----------
        customer_days : DataFrame
            Columns of `features.int_customer_days`, days before as_of_date only.

        Returns
        -------
        DataFrame
        """
        with self.lock:
            day = f"{self.as_of_date:%Y-%m-%d}"
            self.memory.execute("delete from features.int_customer_days")
            self.memory.execute("insert into features.int_customer_days by name from customer_days")
            sql = self.models["snapshot_sql"].replace("2000-01-01", day)
            return self.memory.execute(
                f"""
                with customer_days as (from features.int_customer_days),
                snapshot_dates as (from features.int_snapshot_dates)
                select * from ({sql}) as snapshots
                """
            ).df()

    def stored(self, customer_ids):
        """Features of known customers, as the last build has them."""
        with duckdb.connect(str(self.database), read_only=True) as shop:
            return shop.execute(
                """
                select * from features.int_customer_snapshots
                where snapshot_date = (select as_of_date from staging.as_of_date)
                    and list_contains(?, customer_id)
                """,
                [list(customer_ids)],
            ).df()

    def query(self, sql, *parameters):
        """Rows of the shop's marts, as dictionaries."""
        with duckdb.connect(str(self.database), read_only=True) as shop:
            table = shop.execute(sql, parameters)
            names = [column[0] for column in table.description]
            return [dict(zip(names, row, strict=True)) for row in table.fetchall()]


def days_of(customer_id, orders):
    """Turn a list of orders into a customer's days.

    Parameters
    ----------
    customer_id : str
    orders : list of dict
        order_date, revenue and, where known, discount, product_count, refund.

    Returns
    -------
    DataFrame
        One row per day, columns of `features.int_customer_days`.
    """
    table = pd.DataFrame(orders)
    days = table.groupby("order_date", as_index=False).agg(
        order_count=("revenue", "size"),
        revenue=("revenue", "sum"),
        discount=("discount", "sum"),
        refund=("refund", "sum"),
        product_count=("product_count", "sum"),
    )
    activity: pd.Series = pd.to_datetime(days["order_date"])
    gaps = activity.diff().dt.days.astype("Int64")
    return days.drop(columns="order_date").assign(
        customer_id=customer_id,
        activity_date=activity.dt.date,
        new_category_count=0,
        return_count=(days["refund"] > 0).astype(int),
        event_count=0,
        order_day_number=range(1, len(days) + 1),
        gap_days=gaps,
    )


def known_before(day: date, orders):
    """Orders before the day that the shop is looked at from; later ones are not known yet."""
    return [order for order in orders if order["order_date"] < day]
