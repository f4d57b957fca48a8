"""One statement: recognised, checked, rewritten to what fakesnow and DuckDB know, and run."""

import contextlib
import re

import duckdb
import sqlglot
from fakesnow import macros, transforms
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.statement_type import statement_type_id
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from . import access, checks, loading, parameters, procedures, unloading
from .names import FLAGS, MARK, in_full, literal, quoted, stored, with_bindings, with_identifiers

# Statements that fakesnow's parser cannot read or that it does not know, and who answers them.
HANDLERS = [
    *procedures.HANDLERS,
    # Before COPY INTO a table.
    *unloading.HANDLERS,
    *loading.HANDLERS,
    *access.HANDLERS,
    *parameters.HANDLERS,
]
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

# Functions that are macros of the emulator's own: what they do in DuckDB's SQL.
SCALE = "coalesce(try_cast(regexp_extract(typeof(a), ',(\\d+)', 1) as integer), 0)"
MACROS = {
    # Snowflake fails where DuckDB gives null or infinity, and rounds the quotient of exact numbers.
    "_EMULATOR_DIVIDE": "(a, b) as case when b = 0 then error('Division by zero') else a / b end",
    # A double where an operand is one, else a decimal; its type always has 12 places.
    "_EMULATOR_DIVIDE_EXACT": f"""(a, b) as case
        when b = 0 then error('Division by zero')
        else cast_to_type(
            case
                when typeof(a) in ('DOUBLE', 'FLOAT') or typeof(b) in ('DOUBLE', 'FLOAT') then a / b
                else round(a / b, greatest({SCALE}, least({SCALE} + 6, 12)))
            end,
            round(
                (case when false then a when false then b else 0::decimal(38, 0) end)
                * 0::decimal(12, 12),
                12
            )
        )
    end""",
    # Keys in order, as Snowflake's objects have them.
    "_FS_OBJECT_CONSTRUCT": """(keys, vals, keep_nulls) as
    cast('{' || array_to_string(list_transform(
        list_filter(
            list_sort(list_zip(keys, vals)),
            lambda pair: pair[1] is not null and (keep_nulls or pair[2] is not null)
        ),
        lambda pair: to_json(pair[1])::varchar || ':' || coalesce(to_json(pair[2])::varchar, 'null')
    ), ',') || '}' as json)""",
    **parameters.MACROS,
    # Snowflake casts other types with CAST alone. A cast that fails, since error() may not stand in
    # the order of a window.
    "_EMULATOR_TEXT": """(a) as case
        when typeof(a) in ('VARCHAR', '"NULL"') then cast(a as varchar)
        else cast(cast(
            'TRY_CAST cannot be used with arguments of type ' || typeof(a) as integer
        ) as varchar)
    end""",
    "TRY_TO_TIMESTAMP": "(x) as try_cast(x as timestamp)",
    "TRY_TO_TIMESTAMP_NTZ": "(x) as try_cast(x as timestamp)",
    "TRY_TO_TIMESTAMP_TZ": "(x) as try_cast(x as timestamptz)",
}
fakesnow_macros = macros.creation_sql


def create_macros(catalog):
    """Return the SQL that creates fakesnow's macros, and the emulator's, in a database."""
    own = [f"create or replace macro {catalog}.{name}{body};" for name, body in MACROS.items()]
    # In full, since a schema of another database may be named like this one.
    return (
        (fakesnow_macros(catalog) + "\n".join(own))
        .replace(f" macro {catalog}.", f" macro {catalog}.main.")
        .replace(f" MACRO {catalog}.", f" macro {catalog}.main.")
    )


# fakesnow calls this for every database that it creates.
macros.creation_sql = create_macros


# Elements of Snowflake's formats of times that DuckDB's strftime has.
TIME_ELEMENTS = {
    "YYYY": "%Y", "MM": "%m", "DD": "%d", "HH24": "%H", "MI": "%M", "SS": "%S", "FF6": "%f",
    "FF3": "%g",
}  # fmt: skip


def written_time(node):
    """Return TO_VARCHAR of a time as DuckDB's; sqlglot would forget its format."""
    written = node.args["format"].name
    known = re.sub("|".join(TIME_ELEMENTS), lambda match: TIME_ELEMENTS[match[0]], written)
    if re.search("[A-Za-z]", re.sub("%[A-Za-z]", "", known)):
        raise refusal(f"The emulator does not know the format '{written}' of TO_VARCHAR.")
    return exp.Anonymous(this="strftime", expressions=[node.this, exp.Literal.string(known)])


def is_double(node):
    """Tell whether an expression is known to give a double."""
    if isinstance(node, exp.Cast):
        return node.to.is_type("double", "float")
    if isinstance(node, exp.Anonymous):
        return node.name == "_EMULATOR_DIVIDE"
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        return is_double(node.this) or is_double(node.expression)
    if isinstance(node, exp.Paren | exp.Neg | exp.Sum | exp.Window | exp.Nullif):
        return is_double(node.this)
    return isinstance(node, exp.Ln | exp.Exp | exp.Sqrt | exp.Pow)


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


def is_query(sql):
    """Tell whether a statement is a query, as far as its first word says."""
    return re.match(r"\(*\s*(select|with|values)\b", strip(sql), FLAGS) is not None


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
        if re.search(r"\bidentifier\s*\(", sql, FLAGS):
            sql, params = with_identifiers(with_bindings(sql, params or ())), None
        sql = access.with_packages(access.with_history(self, sql))
        sql = access.with_roles(self.session, sql)
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
        checks.check_identifiers(expression)
        if not isinstance(expression, KNOWN):
            raise refusal(f"The emulator does not know this statement: {sql[:200]}")
        self.statement_type = statement_type_id(expression)
        loading.forget_loads(self, expression)
        expression = self.rewrite(expression)
        params = list(params) if params else None
        self.check_db_and_schema(expression)
        for statement in self._transform_explode(expression):
            transformed = self._transform(statement, params)
            self._execute(transformed, params if transformed.find(exp.Placeholder) else None)

    def rewrite(self, expression):
        """Replace what only Snowflake has, and what fakesnow would make something else of."""
        parameters.rewrite(expression, self.session.parameters)
        for name in expression.find_all(exp.Identifier):
            if name.quoted and not isinstance(name.parent, exp.Table):
                name.set("this", stored(name.name))
        for node in list(expression.find_all(exp.CurrentRole, exp.CurrentWarehouse)):
            value = (
                self.session.role if isinstance(node, exp.CurrentRole) else self.session.warehouse
            )
            node.replace(exp.Literal.string(value) if value else exp.Null())
        for node in list(expression.find_all(exp.Typeof, exp.TryCast, exp.Trim, exp.Anonymous)):
            if isinstance(node, exp.Typeof):
                node.replace(exp.Anonymous(this="json_type", expressions=[node.this]))
            elif isinstance(node, exp.Trim):
                # fakesnow would forget which characters to trim.
                side = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(node.text("position"), "trim")
                arguments = [part for part in (node.this, node.expression) if part]
                node.replace(exp.Anonymous(this=side, expressions=arguments))
            elif isinstance(node, exp.Anonymous):
                if node.name.upper() == "HASH":
                    # A signed number, as on Snowflake.
                    half = exp.BitwiseRightShift(this=node.copy(), expression=exp.Literal.number(1))
                    node.replace(exp.cast(exp.paren(half), "bigint"))
            else:
                node.set("this", exp.Anonymous(this="_EMULATOR_TEXT", expressions=[node.this]))
                if node.to.is_type("timestamp", "timestampntz"):
                    # fakesnow would make it a cast that fails.
                    node.replace(exp.Anonymous(this="TRY_TO_TIMESTAMP", expressions=[node.this]))
        for node in list(expression.find_all(exp.ToChar)):
            if node.args.get("format"):
                node.replace(written_time(node))
        for node in list(expression.find_all(exp.Avg)):
            # A quotient, so that its type follows the same rule.
            whole = node.parent if isinstance(node.parent, exp.Window) else node
            parts = [exp.Sum(this=node.this.copy()), exp.Count(this=node.this.copy())]
            if whole is not node:
                parts = [exp.Window(**(whole.copy().args | {"this": part})) for part in parts]
            count = exp.Nullif(this=parts[1], expression=exp.Literal.number(0))
            whole.replace(exp.Div(this=parts[0], expression=count))
        for node in reversed(list(expression.find_all(exp.Div))):
            doubles = is_double(node.this) or is_double(node.expression)
            name = "_EMULATOR_DIVIDE" if doubles else "_EMULATOR_DIVIDE_EXACT"
            node.replace(exp.Anonymous(this=name, expressions=[node.this, node.expression]))
        if isinstance(expression, exp.Create):
            self.rewrite_create(expression)
        return access.with_masks(self, expression)

    def rewrite_create(self, create):
        """Make temporary objects plain ones; drop clauses that have no effect here."""
        kept = []
        name = self.full_name(create.find(exp.Table))
        copy_grants = create.find(exp.CopyGrantsProperty) is not None
        if create.args.get("replace"):
            access.forget_object(self.session, name, copy_grants)
        properties = create.args.get("properties")
        for property_ in properties.expressions if properties else []:
            if isinstance(property_, exp.TemporaryProperty):
                self.session.temporary[in_full(name)] = create.kind
            elif not isinstance(
                property_,
                (exp.TransientProperty, exp.CopyGrantsProperty, exp.SecureProperty, exp.Cluster),
            ):
                kept.append(property_)
        if properties:
            create.set("properties", exp.Properties(expressions=kept) if kept else None)
        for key in list(create.find_all(exp.PrimaryKey, exp.ForeignKey)):
            # Keys are words on Snowflake, but what a foreign key refers to has to be there.
            if isinstance(key, exp.ForeignKey):
                there = key.args["reference"].this
                columns = ", ".join(column.sql() for column in there.expressions)
                self.run(f"select {columns} from {there.this.sql('snowflake')} limit 0", None)
            key.pop()
        if create.kind == "VIEW" and isinstance(create.this, exp.Schema):
            for column in create.this.expressions:
                if isinstance(column, exp.ColumnDef):
                    column.replace(column.this)

    def _transform(self, expression, params):
        """Bring Snowflake's SQL to DuckDB's, by those of fakesnow's transforms that are right."""
        database, schema = self.session.database, self.session.schema
        steps = [
            lambda node: transforms.identifier(node, params),
            transforms.upper_case_unquoted_identifiers,
            lambda node: transforms.set_schema(node, current_database=database),
            lambda node: transforms.create_database(node, db_path=self.session.db_path),
            transforms.extract_comment_on_table,
            transforms.information_schema_fs,
            lambda node: transforms.information_schema_databases(node, current_schema=schema),
            transforms.drop_schema_cascade,
            transforms.semi_structured_types,
            transforms.try_parse_json,
            transforms.split,
            transforms.indices_to_json_extract,
            transforms.json_extract_cast_as_varchar,
            transforms.json_extract_cased_as_varchar,
            transforms.json_extract_precedence,
            transforms.flatten_value_cast_as_varchar,
            transforms.flatten,
            transforms.regex_replace,
            transforms.regex_substr,
            transforms.values_columns,
            transforms.to_date,
            transforms.timestamp_offsets,
            transforms.to_decimal,
            transforms.object_construct,
            transforms.timestamp_ntz,
            transforms.float_to_double,
            transforms.integer_precision,
            transforms.extract_text_length,
            transforms.sample,
            transforms.array_size,
            transforms.array_agg_within_group,
            transforms.array_agg,
            transforms.object_agg,
            transforms.dateadd_date_cast,
            transforms.dateadd_string_literal_timestamp_cast,
            transforms.datediff_string_literal_timestamp_cast,
            transforms.show_databases,
            lambda node: transforms.show_schemas(node, database),
            lambda node: transforms.show_tables_etc(node, database, schema),
            lambda node: transforms.show_columns(node, database, schema),
            transforms.sha256,
            transforms.create_clone,
            transforms.alias_in_where,
            transforms.alter_table_strip_cluster_by,
            lambda node: transforms.create_table_as(node, self._duck_conn),
        ]
        for step in steps:
            expression = expression.transform(step, copy=False)
        return expression

    def _transform_explode(self, expression):
        # DuckDB merges by itself; fakesnow would split the statement.
        if isinstance(expression, exp.Merge):
            return [expression]
        return super()._transform_explode(expression)

    def _execute(self, transformed, params=None):
        # DuckDB's catalog raises errors when two threads describe or change it at once.
        with self.session.account.lock:
            try:
                if isinstance(transformed, exp.Merge):
                    count = self._duck_conn.execute(transformed.sql("duckdb"), params).fetchone()[0]
                    self.answer(["number of rows merged"], [[count]])
                else:
                    super()._execute(transformed, params)
            except Exception as error:
                # Snowflake's transaction stays open after an error; DuckDB's has to be ended.
                with contextlib.suppress(duckdb.TransactionException):
                    self._duck_conn.rollback()
                message = re.sub(r"\A\d+ \(\w+\): ", "", str(error)).replace(MARK, "")
                if column := re.search(r'Referenced column "([^"]+)" not found', message):
                    text = f"SQL compilation error:\ninvalid identifier '{column[1]}'\n{message}"
                    raise refusal(text, 904, "42000") from None
                if isinstance(error, duckdb.Error):
                    raise refusal(message, 100051, "22012") from None
                raise

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
