"""A Snowflake account on this machine, for tests and to try things out.

fakesnow's server (DuckDB behind Snowflake's wire protocol) with what a dbt project needs besides.
dbt-snowflake, the connector and Snowpark run unmodified::

    python -m tests.python.snowflake_emulator --folder target/emulator

starts it, and prints the environment variables that bring `dbt build --target snowflake` to it.

Emulated

=================  ===============================================================================
procedures         Python procedures without arguments, anonymous or created, run with a Snowpark
                   session. Every package must be pinned, every import be in PACKAGES or a file
                   of IMPORTS that its stage holds; they run with what is installed here, whatever
                   version is pinned.
names              Unquoted names are upper case, and no reserved word; quoted lower-case columns
                   need their quotes.
functions          Functions and parts of dates that Snowflake lacks are unknown; those in
                   `arguments.txt` take as many arguments as Snowflake's. TRY_CAST takes text only.
parameters         Those of the session in `parameters.py`, with their effect on casts and names.
numbers            Quotients and averages of exact numbers are NUMBER, rounded as on Snowflake;
                   their type always has 12 places. To divide by 0 is an error.
loading            Internal stages, PUT, LIST, REMOVE, file formats, INFER_SCHEMA, VALIDATE, and
                   COPY INTO of CSV, JSON and Parquet with ON_ERROR, FILES, PATTERN, FORCE, columns
                   of metadata and a load history. Files are read by the options of their format:
                   encodings, delimiters, quotes, nulls, blank lines, header, BOM, outer arrays,
                   Parquet's logical types, as the page of CREATE FILE FORMAT has them.
temporary objects  They go with the session; a procedure's with its caller's.
masking policies   Applied to tables that a query names, by the role and those granted to it; tables
                   under a view are not masked.
query history      SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY: tag, role, warehouse, error, rows.
roles, grants      Current role and warehouse, roles in session, SHOW GRANTS, COPY GRANTS.
descriptions       Comments on tables, views and columns.
=================  ===============================================================================

Accepted without effect: privileges (no statement is refused for lack of one), warehouses and their
sizes, resource monitors, users, tags, cluster keys, transient and secure objects, WEEK_START,
comments of schemas and databases.

Refused, each with a sentence: statements, functions, session parameters, options of file formats,
of PUT and of COPY INTO that are not on the emulator's lists; PUT of relative paths and of wildcards
that its page lacks.

Not judged, because no list here has the rule: how many arguments other functions take, and of what
types (`compiled.py` looks at types in all that dbt compiles, as far as sqlglot tells them).

Not in the documentation, so chosen: METADATA$FILE_ROW_NUMBER counts every record from 1, blank and
rejected ones too; a blank line is one empty field in a COPY that transforms; ON_ERROR = CONTINUE
leaves out a record with bytes that are no text, and no other; a JSON file breaks where its text
does.

Different, so that only an account proves it: precision and scale of computed numbers; MEDIAN and
PERCENTILE_CONT, which give a FLOAT; TIMESTAMP_TZ, which forgets its offset; a transaction ends at
an error, where Snowflake's stays open; sqlglot, which reads the SQL, is more lenient;
a connection creates its database and schema; everything but tables and views, such as grants and
policies, lives in memory and ends with the process.
"""

from .launch import Emulator

__all__ = ["Emulator"]
