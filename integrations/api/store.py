"""Predictions as they were answered, in a DuckDB file of the API's own.

A file of its own, because DuckDB lets one process write a file: builds and readers of the shop
are never locked out. A prediction is committed before it is answered, so none is lost that was.
"""

import threading
from datetime import UTC, datetime

import duckdb

# Who has orders or features and no id.
STRANGER = "unknown"


class PredictionStore:
    """The file `predictions.duckdb`.

    Parameters
    ----------
    path : Path
        The file; made if it is not there.
    """

    def __init__(self, path):
        self.lock = threading.Lock()
        self.connection = duckdb.connect(str(path))
        self.connection.execute(
            """
            create table if not exists predictions (
                predicted_at timestamp, customer_id varchar, churn_probability double,
                predicted_value double, segment_name varchar, score_status varchar,
                model_version varchar, as_of_date date
            )
            """
        )

    def keep(self, predictions):
        """Commit predictions, all or none."""
        now = datetime.now(UTC).replace(tzinfo=None)
        names = ["customer_id", "churn_probability", "predicted_value", "segment_name"]
        names += ["score_status", "model_version", "as_of_date"]
        columns = [[prediction[name] for prediction in predictions] for name in names]
        # One statement, which commits by itself: row by row a batch of 100 took 80 ms.
        with self.lock:
            self.connection.execute(
                f"insert into predictions select ?, {', '.join(['unnest(?)'] * len(names))}",
                [now, *columns],
            )

    def rows(self):
        """Give what was kept as dicts, oldest first: rows of the raw table `api_predictions`.

        Strangers have a null id. Predictions kept meanwhile may be missing; none is half there.
        """
        names = ["predicted_at", "customer_id", "churn_probability", "score_status"]
        names += ["model_version", "as_of_date"]
        # A connection of its own, so that predictions are kept while this is read.
        with self.connection.cursor() as reader:
            found = reader.execute(
                f"""
                select * replace (
                    strftime(predicted_at, '%Y-%m-%dT%H:%M:%S.%fZ') as predicted_at,
                    nullif(customer_id, '{STRANGER}') as customer_id,
                    cast(as_of_date as varchar) as as_of_date
                )
                from (select {", ".join(names)} from predictions)
                order by all
                """
            )
            while chunk := found.fetchmany(10_000):
                yield from (dict(zip(names, row, strict=True)) for row in chunk)

    def forget(self, customer_id):
        """Erase a customer's predictions; returns how many there were."""
        with self.lock:
            [(count,)] = self.connection.execute(
                "delete from predictions where customer_id = ?", [customer_id]
            ).fetchall()
            # What was deleted stands in the file until then.
            self.connection.execute("checkpoint")
        return count
