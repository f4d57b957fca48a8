"""The shop's marts, read from the warehouse that dbt's target names, and never written.

On DuckDB a query opens the file and closes it again, in some 20 ms: `make build` swaps the file,
and whoever held it open would go on seeing the old one, and keep a plain `dbt build` from writing.
"""

import os
import re
from datetime import timedelta
from pathlib import Path

import duckdb
import jinja2
import pandas as pd
import streamlit as st
import yaml

# Absent where the app runs inside of Snowflake, which gets this folder alone.
PROFILES = Path(__file__).parents[2] / "profiles" / "profiles.yml"
# Snowflake's errors of what is not there, or not for the role: a column, a table, a schema.
MISSING = (904, 2003, 2043)


class MartError(Exception):
    """What a reader is told, in one sentence, in place of the figures."""


@st.cache_resource(show_spinner=False)
def target():
    """Return the settings of dbt's target: DBT_TARGET, or the default of the profile.

    Returns
    -------
    dict of str
        The profile's entries, environment variables filled in as dbt does.

    Raises
    ------
    MartError
        The profile has no such target.
    """
    if not PROFILES.exists():
        return {"type": "session"}
    profile = yaml.safe_load(PROFILES.read_text())["clientele"]
    name = os.environ.get("DBT_TARGET", profile["target"])
    if name not in profile["outputs"]:
        raise MartError(
            f"There is no target {name}: set DBT_TARGET to one of {', '.join(profile['outputs'])}."
        )
    environment = jinja2.Environment()
    environment.globals["env_var"] = os.environ.get
    environment.filters["as_number"] = int
    return {
        key: environment.from_string(value).render() if isinstance(value, str) else value
        for key, value in profile["outputs"][name].items()
    }


def has_personal_data():
    """Whether names and e-mail addresses are shown, as whoever starts the dashboard decides."""
    return os.environ.get("CLIENTELE_PERSONAL_DATA") == "show"


def read(sql, *parameters):
    """Rows of a query, from the cache if this build was asked before.

    Parameters
    ----------
    sql : str
        A query of both warehouses' SQL. Marts are named `<schema>.<mart>` after `from` or `join`.
    *parameters
        Values of its question marks.

    Returns
    -------
    pandas.DataFrame
        Lower-case columns; decimals as floats, `*_date` and `*_at` as timestamps.

    Raises
    ------
    MartError
        No answer; its text says why and what to do.
    """
    return _read(build(), sql, parameters)


def build():
    """Return what tells one build from the next, the key of all that is cached."""
    if target()["type"] != "duckdb":
        return _newest_build()
    try:
        file = os.stat(target()["path"])
    except FileNotFoundError:
        raise MartError(
            f"There is no database {target()['path']}: run `make build`, or name another in "
            "CLIENTELE_DUCKDB."
        ) from None
    return file.st_ino, file.st_mtime_ns


@st.cache_data(ttl=timedelta(minutes=1), show_spinner=False)
def _newest_build():
    return str(answer("select max(run_started_at) as run_at from monitoring.build_history"))


@st.cache_data(max_entries=1000, show_spinner="Reading the marts ...")
def _read(build, sql, parameters):
    return answer(sql, parameters)


def answer(sql, parameters=()):
    """Rows of a query, kept nowhere: for a file of every customer. Otherwise like `read`."""
    ask = {"duckdb": _ask_duckdb, "snowflake": _ask_snowflake, "session": _ask_session}
    rows = ask[target()["type"]](sql, parameters).rename(columns=str.lower)
    for name in rows.columns[rows.columns.str.contains("_(?:date|at)$")]:
        rows[name] = pd.to_datetime(rows[name])
    return rows


def _ask_duckdb(sql, parameters):
    path = target()["path"]
    quoted = path.replace("'", "''")
    try:
        # Attached to a database in memory: DuckDB shares what it opens by path within a process,
        # and would go on reading the file that was swapped away while anybody else reads it.
        with duckdb.connect(config={"memory_limit": "2GB"}) as connection:
            connection.execute(f"attach '{quoted}' as shop (read_only)")
            connection.execute("use shop")
            return connection.execute(sql, parameters).df()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise _missing(sql) from error
    except duckdb.IOException as error:
        raise MartError(
            f"{path} cannot be read now: a plain `dbt build` is writing it, or it is no DuckDB "
            "file. Reload the page later; `make build` builds beside its readers."
        ) from error


def _ask_snowflake(sql, parameters):
    import snowflake.connector

    try:
        with _snowflake_connection().cursor() as cursor:
            return cursor.execute(_prefixed(sql), parameters).fetch_pandas_all()
    except snowflake.connector.errors.ProgrammingError as error:
        if error.errno in MISSING:
            raise _missing(sql) from error
        raise
    except snowflake.connector.errors.Error as error:
        raise MartError(
            "Snowflake does not answer: `dbt debug --target snowflake` says whether account, key, "
            "role and warehouse are right."
        ) from error


@st.cache_resource(ttl=timedelta(hours=3), show_spinner="Connecting to Snowflake ...")
def _snowflake_connection():
    """Connect as dbt would; a session expires after four hours without a statement."""
    import snowflake.connector
    from dbt.adapters.snowflake.connections import SnowflakeCredentials

    names = SnowflakeCredentials.__dataclass_fields__
    credentials = SnowflakeCredentials(
        **{key: value for key, value in target().items() if key in names and value != ""}
    )
    return snowflake.connector.connect(
        account=credentials.account,
        role=credentials.role,
        warehouse=credentials.warehouse,
        database=credentials.database,
        paramstyle="qmark",
        session_parameters={"QUERY_TAG": "clientele dashboard"},
        **credentials.auth_args(),
    )


def _prefixed(sql):
    """Put a developer's prefix before schemas, as the macro generate_schema_name does."""
    prefix = "" if target()["schema"] == "main" else target()["schema"] + "_"
    return re.sub(r"\b(from|join) (\w+\.)", rf"\1 {prefix}\2", sql)


def _ask_session(sql, parameters):
    """Ask by the connection that Snowflake gives to an app that runs inside of it."""
    from snowflake.snowpark.exceptions import SnowparkSQLException

    try:
        session = st.connection("snowflake").session()
        return session.sql(sql, params=list(parameters)).to_pandas()
    except SnowparkSQLException as error:
        if error.sql_error_code in MISSING:
            raise _missing(sql) from error
        raise


def _missing(sql):
    marts = sorted(set(re.findall(r"\b(?:from|join) (\w+\.\w+)", sql)))
    return MartError(
        f"{' or '.join(marts)} is missing, lacks a column, or is not for your role: build the shop "
        "with this version of the project (`make build`)."
    )
