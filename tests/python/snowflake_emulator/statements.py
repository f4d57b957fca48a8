"""One statement: recognised, checked, rewritten to what fakesnow and DuckDB know, and run."""

import re

import sqlglot
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.statement_type import statement_type_id
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from . import access, checks, loading, procedures
from .names import literal, quoted, with_bindings

# Statements that fakesnow's parser cannot read or that it does not know, and who answers them.
HANDLERS = [*procedures.HANDLERS, *loading.HANDLERS, *access.HANDLERS]
KNOWN = (
    exp.Query,
    exp.Create,
    exp.Drop,
    exp.Alter,
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Merge,
    exp.TruncateTable,
    exp.Show,
    exp.Describe,
    exp.Use,
    exp.Comment,
    exp.Transaction,
    exp.Commit,
    exp.Rollback,
)

# Functions that read text as a type, or give null.
TRIED_TYPES = {
    "TRY_TO_TIMESTAMP": "timestamp",
    "TRY_TO_TIMESTAMP_NTZ": "timestamp",
    "TRY_TO_TIMESTAMP_TZ": "timestamptz",
}


def refusal(message, errno=2, sqlstate="0A000"):
    """Make the error of a statement that the emulator does not run."""
    return ProgrammingError(msg=message, errno=errno, sqlstate=sqlstate)


def strip(sql):
    """Return a statement without the comments and semicolons at its ends."""
    previous = None
    while sql != previous:
        previous = sql
        sql = sql.strip().strip(";").strip()
        sql = re.sub(r"\A(/\*((?!\*/).)*\*/|--[^\n]*(\n|\Z))", "", sql, flags=re.DOTALL)
        sql = re.sub(r"/\*((?!\*/|/\*).)*\*/\Z", "", sql, flags=re.DOTALL)
    return sql


class Cursor(FakeSnowflakeCursor):
    """A fakesnow cursor that first asks the emulator's handlers."""

    statement_type = 0
    upload = None
    rowtype = None

    @property
    def session(self):
        """The login that the statement belongs to."""
        return self._conn

    def execute(self, command, params=None, *args, **kwargs):
        """Run one statement.

        Raises
        ------
        snowflake.connector.errors.ProgrammingError
            What Snowflake would answer, or one sentence about what the emulator does not know.
        """
        sql = strip(command)
        for pattern, handler in HANDLERS:
            if match := pattern.match(sql):
                handler(self, match, with_bindings(sql, params) if params else sql)
                return self
        sql = access.with_roles(self.session, access.with_history(self, sql))
        sql = loading.with_table_functions(self, sql, params)
        if isinstance(params, list):
            for row in params:
                self.run(sql, row)
        else:
            self.run(sql, params)
        return self

    def run(self, sql, params):
        """Run SQL that fakesnow can read, after the emulator's checks."""
        try:
            checks.check_functions(sql)
            expression = sqlglot.parse_one(sql, read="snowflake")
        except (ParseError, TokenError) as error:
            message = re.sub(r"\x1b\[\d*m", "", str(error))
            raise refusal(f"SQL compilation error:\n{message}", 1003, "42000") from None
        if not isinstance(expression, KNOWN):
            raise refusal(f"The emulator does not know this statement: {sql[:200]}")
        self.statement_type = statement_type_id(expression)
        expression = self.rewrite(expression)
        params = list(params) if params else None
        self.check_db_and_schema(expression)
        for statement in self._transform_explode(expression):
            transformed = self._transform(statement, params)
            self._execute(transformed, params if transformed.find(exp.Placeholder) else None)

    def rewrite(self, expression):
        """Replace what only Snowflake has: roles, temporary objects with qualified names, comments."""
        for node in list(expression.find_all(exp.CurrentRole, exp.CurrentWarehouse)):
            value = (
                self.session.role if isinstance(node, exp.CurrentRole) else self.session.warehouse
            )
            node.replace(exp.Literal.string(value) if value else exp.Null())
        for node in list(expression.find_all(exp.Typeof, exp.Anonymous)):
            if isinstance(node, exp.Typeof):
                node.replace(exp.Anonymous(this="json_type", expressions=[node.this]))
            elif kind := TRIED_TYPES.get(node.name.upper()):
                node.replace(exp.TryCast(this=node.expressions[0], to=exp.DataType.build(kind)))
        if isinstance(expression, exp.Create):
            self.rewrite_create(expression)
        return access.with_masks(self, expression)

    def rewrite_create(self, create):
        """Make temporary objects plain ones that go with the session; drop clauses without effect."""
        kept = []
        name = self.full_name(create.find(exp.Table))
        copy_grants = create.find(exp.CopyGrantsProperty) is not None
        if create.args.get("replace"):
            access.forget_object(self.session, name, copy_grants)
        properties = create.args.get("properties")
        for property_ in properties.expressions if properties else []:
            if isinstance(property_, exp.TemporaryProperty):
                self.session.temporary[".".join(map(quoted, name))] = create.kind
            elif not isinstance(
                property_,
                (exp.TransientProperty, exp.CopyGrantsProperty, exp.SecureProperty, exp.Cluster),
            ):
                kept.append(property_)
        if properties:
            create.set("properties", exp.Properties(expressions=kept) if kept else None)
        if create.kind == "VIEW" and isinstance(create.this, exp.Schema):
            for column in create.this.expressions:
                if isinstance(column, exp.ColumnDef):
                    column.replace(column.this)

    def _execute(self, transformed, params=None):
        # DuckDB's catalog raises errors when two threads describe or change it at once.
        with self.session.account.lock:
            super()._execute(transformed, params)

    def answer(self, columns, rows):
        """Answer with rows that the emulator made itself; all columns are text or numbers."""
        if rows:
            values = ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
            sql = f"select * from (values {values}) as answer({', '.join(map(quoted, columns))})"
        else:
            nulls = ", ".join(f"null::varchar as {quoted(column)}" for column in columns)
            sql = f"select {nulls} where false"
        self.run_duckdb(sql)

    def succeed(self, message="Statement executed successfully."):
        """Answer with the sentence of a statement that returns nothing."""
        self.answer(["status"], [[message]])

    def run_duckdb(self, sql):
        """Run DuckDB's own SQL."""
        self._execute(sqlglot.parse_one(sql, read="duckdb"))

    def name(self, text):
        """Return a written name in full, as (database, schema, name)."""
        return self.full_name(exp.to_table(text, dialect="snowflake"))

    def full_name(self, table):
        """Return a table's name in full, as (database, schema, name)."""
        parts = [part.name if part.quoted else part.name.upper() for part in table.parts]
        return tuple([self.session.database, self.session.schema][: 3 - len(parts)] + parts)
