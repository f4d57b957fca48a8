"""A shop's database: what a build says is copied, so that the next is never in the way."""

import os
import threading
import time
from pathlib import Path

import duckdb
import yaml

from integrations.api.history import features_of
from integrations.api.scoring import Model

PROJECT = Path(__file__).parents[2]
TABLES = {
    "churn_parameters": """
        select * from ml.churn_parameters where fit = 'production' and model = 'churn'
    """,
    "value_parameters": "select * from ml.value_parameters where fit = 'production'",
    "next_order_times": "select * from ml.next_order_times where fit = 'production'",
    "segment_parameters": "select * from ml.segment_parameters",
    "segment_archetypes": "select segment_name, recommended_action from staging.segment_archetypes",
}
DAY = """
    select as_of_date, history_days, has_events, history_fingerprint
    from staging.as_of_date
    inner join features.int_snapshot_dates on snapshot_date = as_of_date
"""
FEATURES = """
    select column_name from information_schema.columns
    where table_schema = 'features' and table_name = 'int_customer_snapshots'
"""
# What the value of every customer has in common: from the one with the largest, which rounding
# touches least.
LARGEST = """
    select snapshots.*, customer_value.predicted_orders, customer_value.predicted_value,
        customer_value.kept_share, customer_value.predicted_profit
    from customers.customer_value
    inner join features.int_customer_snapshots as snapshots using (customer_id)
    where snapshot_date = (select as_of_date from staging.as_of_date)
        and predicted_value > 0
    order by predicted_value desc, customer_id limit 1
"""
ANSWERS = """
    select
        customer_churn.customer_id, churn_probability, risk_band,
        customer_churn.score_status, customer_churn.score_reason,
        list_filter([reason_1, reason_2, reason_3], lambda reason: reason is not null) as reasons,
        predicted_orders, predicted_value, money_at_risk, next_order_date,
        segment_name, customer_segments.recommended_action as segment_action,
        advice.recommended_action,
        customer_churn.model_version, customer_churn.as_of_date
    from customers.customer_churn
    left join customers.customer_value using (customer_id)
    left join customers.customer_segments using (customer_id)
    left join (
        select customer_id, recommended_action from customers.customer_360
    ) as advice using (customer_id)
"""


class NotBuilt(Exception):
    """The shop's database lacks what scoring needs; the text says what to do."""


def project_settings(given=""):
    """Vars of the project, as dbt has them for this shop.

    Parameters
    ----------
    given : str
        What dbt was given as `--vars`, YAML.

    Returns
    -------
    dict
    """
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    return project["vars"] | (yaml.safe_load(given) or {})


class Build:
    """What one build says: its marts' answers, and the models with what they learnt.

    Parameters
    ----------
    database : Path
        The shop's DuckDB file; open only while it is copied from.
    settings : dict
        The project's vars.
    """

    def __init__(self, database, settings):
        memory = duckdb.connect(config={"threads": 1})
        memory.execute("attach ':memory:' as copied (compress)")
        path = str(database).replace("'", "''")
        memory.execute(f"attach '{path}' as shop (read_only); use shop")
        self.as_of_date, self.history_days, self.has_events, mark = memory.execute(DAY).fetchone()
        self.horizon = int(settings["churn_horizon_days"])
        basis = {"gross": "monetary", "net": "net_monetary"}[settings["monetary_basis"]]
        if not mark.endswith(f"-{self.horizon}-{basis}"):
            raise NotBuilt(
                f"{database} was built with another churn_horizon_days or monetary_basis: start"
                " the API with the --vars of the build."
            )
        self.features = {name for (name,) in memory.execute(FEATURES).fetchall()}
        tables = {name: memory.execute(sql).df() for name, sql in TABLES.items()}
        self.model = Model(tables, settings, self.as_of_date)
        for largest in rows_of(memory.execute(LARGEST)):
            self.model.learn_totals(largest)
        memory.execute(f"create table copied.answers as {ANSWERS}")
        memory.execute("create unique index by_id on copied.answers(customer_id)")
        memory.execute("use memory; detach shop")
        self.memory = memory

    def known(self, customer_ids):
        """Take the marts' answers for customers of the shop, by their id."""
        with self.memory.cursor() as cursor:
            if len(customer_ids) == 1:
                # Only this takes the index.
                result = cursor.execute(
                    "select * from copied.answers where customer_id = ?", list(customer_ids)
                )
            else:
                result = cursor.execute(
                    "select * from copied.answers where customer_id in (select unnest(?))",
                    [list(customer_ids)],
                )
            rows = rows_of(result)
        return {row["customer_id"]: row for row in rows}

    def features_of(self, days):
        """Features of one customer by their days, of which those before as_of_date are known."""
        return features_of(days, self.as_of_date, self.horizon, self.history_days, self.has_events)


class Shop:
    """A shop that is built again and again.

    Parameters
    ----------
    database : Path
        Its DuckDB file.
    settings : dict
        As `project_settings` gives them.
    """

    def __init__(self, database, settings):
        self.database, self.settings = Path(database), settings
        self.lock = threading.Lock()
        self.copied = self.stamp = None
        self.next_try = 0
        self.newest()

    def newest(self):
        """Copy a build that is newer than the one in use.

        Returns
        -------
        Build
            The one before, while another request copies, or dbt holds the file.
        """
        if not self.database.exists():
            raise NotBuilt(f"There is no shop in {self.database}: run `make build` first.")
        status = os.stat(self.database)
        stamp = (status.st_mtime_ns, status.st_ino)
        is_due = stamp != self.stamp and time.monotonic() >= self.next_try
        if is_due and self.lock.acquire(blocking=self.copied is None):
            try:
                if stamp != self.stamp:
                    self.copied, self.stamp = Build(self.database, self.settings), stamp
            except duckdb.IOException as error:
                if self.copied is None:
                    raise NotBuilt(f"{self.database} cannot be read now: {error}") from error
                self.next_try = time.monotonic() + 1
            except duckdb.CatalogException as error:
                raise NotBuilt(
                    f"{self.database} lacks a table that scoring needs: run `make build`. {error}"
                ) from error
            finally:
                self.lock.release()
        return self.copied

    def query(self, sql, *parameters):
        """Rows of the shop's marts, as dictionaries."""
        try:
            with duckdb.connect(str(self.database), read_only=True) as shop:
                return rows_of(shop.execute(sql, parameters))
        except duckdb.IOException as error:
            raise NotBuilt(f"{self.database} cannot be read now: {error}") from error


def rows_of(result):
    """Rows of a query, as dictionaries."""
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
