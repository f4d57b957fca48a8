"""Tables of both warehouses as pandas frames: reading, typing, writing."""

from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits


def read(relation: Any) -> pd.DataFrame:
    """Read a relation of DuckDB or Snowpark.

    Parameters
    ----------
    relation : duckdb.DuckDBPyRelation or snowflake.snowpark.DataFrame
        What `dbt.ref` or `session.sql` gave.

    Returns
    -------
    DataFrame
        Its rows; column names in lower case.
    """
    frame = relation.to_pandas() if hasattr(relation, "to_pandas") else relation.df()
    return frame.rename(columns=str.lower)


def read_clock(relation: Any) -> pd.Timestamp:
    """Read the day that everything is seen from; the relation is the model `as_of_date`."""
    return pd.Timestamp(read(relation)["as_of_date"].iloc[0])


def written(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table upper-case column names: Snowflake's SQL finds no others without quotes."""
    return table.rename(columns=str.upper)


def typed_table(rows: list[dict], columns: dict[str, str]) -> pd.DataFrame:
    """Rows as a table with a fixed type per column, so that no column of nulls lacks one.

    Parameters
    ----------
    rows : list of dict
        A key that is left out is null.
    columns : dict of str
        Names in order, each with its type: `str` (null becomes empty), `float`, `int` or `date`.

    Returns
    -------
    DataFrame
    """
    table = pd.DataFrame(rows).reindex(columns=list(columns))
    for column, kind in columns.items():
        if kind == "float":
            table[column] = pd.to_numeric(table[column]).astype("float64")
        elif kind == "int":
            table[column] = pd.to_numeric(table[column]).astype("Int64")
        elif kind == "date":
            table[column] = pd.to_datetime(table[column]).astype("datetime64[us]")
        else:
            # A column of nothing but nulls would take no type.
            table[column] = table[column].astype("string").fillna("")
    return table


def use_one_thread() -> None:
    """Let sums be taken by one thread: they then come to the same bits on every run.

    For good, since models that train at the same time share the setting.
    """
    threadpool_limits(limits=1)
