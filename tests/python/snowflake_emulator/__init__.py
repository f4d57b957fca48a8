"""A Snowflake account on this machine, for tests and to try things out.

fakesnow's server (DuckDB behind Snowflake's wire protocol) with what a dbt project on Snowflake needs
besides. dbt-snowflake, the connector and Snowpark run unmodified::

    python -m tests.python.snowflake_emulator --folder target/emulator

starts it, and prints the environment variables that bring `dbt build --target snowflake` to it.

=====================  ====================================================================================
Emulated
=====================  ====================================================================================
procedures             Anonymous and created Python procedures without arguments run with a Snowpark session.
                       RUNTIME_VERSION is read; every package must be pinned and every import be in PACKAGES.
                       They run with the packages that are installed here, whatever version is pinned.
names                  Unquoted names are upper case; a quoted lower-case column is found in quotes only.
functions              Those that Snowflake lacks are an unknown function, as are its parts of dates.
numbers                Exact quotients are rounded as on Snowflake (their type stays FLOAT); by 0 is an error.
loading                Internal stages, PUT, LIST, REMOVE, file formats, INFER_SCHEMA, COPY INTO of CSV, JSON
                       lines and Parquet with ON_ERROR = CONTINUE, VALIDATE of the last load.
temporary objects      Tables and views that go with the session, a procedure's with its caller's.
masking policies       Applied to tables that a query names, by current and inherited role; not through views.
query history          SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY: tag, role, warehouse, error and rows produced.
roles, grants          Current role and warehouse, roles in session, SHOW GRANTS, COPY GRANTS.
descriptions           Comments on tables, views and columns.
=====================  ====================================================================================

Accepted and recorded only: privileges (no statement is refused for lack of one), warehouses and their sizes,
resource monitors, users, tags, cluster keys, transient and secure objects, IMPORTS of procedures, comments of
schemas and databases. Transactions end at an error, where Snowflake's stay open. AVG and quotients keep
DuckDB's type.

Refused, each with a sentence: functions, statements, file format and copy options that are not on the
emulator's lists. Syntax that DuckDB and Snowflake share more or less is read by sqlglot, which is more
lenient than Snowflake: only an account proves the last comma.
"""

from .launch import Emulator

__all__ = ["Emulator"]
