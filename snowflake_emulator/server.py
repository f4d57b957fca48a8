"""The HTTP server: Snowflake's wire protocol, sessions and the history of their statements."""

import base64
import gzip
import json
import re
import threading
import time
import traceback
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pyarrow
from fakesnow import info_schema, macros
from fakesnow.arrow import to_ipc, to_sf
from fakesnow.conn import FakeSnowflakeConnection
from fakesnow.converter import from_binding
from fakesnow.expr import normalise_ident
from fakesnow.instance import FakeSnow
from fakesnow.rowtype import describe_as_rowtype
from fakesnow.server import SERVER_VERSION, monitoring_query, sessions, to_token
from fakesnow.statement_type import DML_TYPE_IDS
from snowflake.connector.errors import Error, ProgrammingError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from .loading import forget_stage
from .names import MARK
from .parameters import DEFAULTS, set_parameter
from .statements import Cursor, is_query


class Account(FakeSnow):
    """What all sessions share: databases, roles and grants, stages, procedures, history.

    Parameters
    ----------
    folder : pathlib.Path
        Where databases are kept, one file each.
    parameters : dict
        Session parameters that every session starts with, where they are not Snowflake's own.
    """

    def __init__(self, folder, parameters=()):
        super().__init__(db_path=folder)
        self.parameters = DEFAULTS | dict(parameters)
        self.folder = Path(folder)
        self.duck_conn.execute("set preserve_insertion_order = false")
        self.lock = threading.RLock()
        self.url = None
        self.history = []
        self.grants = []
        self.recorded = []
        self.callers = {}
        self.policies = {}
        self.masked = {}
        self.procedures = {}
        self.formats = {}
        self.stages = {}
        self.loaded = {}
        for file in sorted(self.folder.glob("*.db")):
            self.duck_conn.execute(f"attach if not exists '{file}' as {file.stem}")
            self.duck_conn.execute(info_schema.per_db_creation_sql(file.stem))
            self.duck_conn.execute(macros.creation_sql(file.stem))

    def write_history(self):
        """Bring the statements run so far into the table behind ACCOUNT_USAGE.QUERY_HISTORY."""
        with self.lock:
            statements = pyarrow.Table.from_pylist(self.history)
            self.duck_conn.register("statements", statements)
            self.duck_conn.execute(
                "create or replace table _fs_global._fs_information_schema.query_history as"
                " select * from statements"
            )
            self.duck_conn.unregister("statements")

    def login(self, parameters):
        """Open a session with what the connector sent at login."""
        database, schema = (
            (value := parameters.get(name)) and normalise_ident(value)
            for name in ("databaseName", "schemaName")
        )
        with self.lock:
            return Session(
                self,
                database,
                schema,
                (parameters.get("roleName") or "PUBLIC").upper(),
                (parameters.get("warehouse") or "").upper() or None,
            )


class Session(FakeSnowflakeConnection):
    """One login: its current role, warehouse and query tag, and what goes when it ends."""

    def __init__(self, account, database, schema, role, warehouse):
        super().__init__(
            account.duck_conn.cursor(),
            account.results_cache,
            database,
            schema,
            db_path=account.folder,
            autocommit=True,
        )
        self.account = account
        self.session_id = uuid.uuid4().int >> 65
        self.role = role
        self.warehouse = warehouse
        self.parameters = {}
        for name, value in account.parameters.items():
            set_parameter(self, name, value)
        self.temporary = {}
        self.temporary_stages = set()
        self.last_copy = {}
        self.caller = None
        # Statements of one session run one after the other.
        self.turn = threading.RLock()

    def join(self, caller):
        """Run as part of another session, as a procedure does in its caller's."""
        self.caller = caller
        self.temporary = caller.temporary
        self.temporary_stages = caller.temporary_stages
        for name, value in caller.parameters.items():
            set_parameter(self, name, value)

    def cursor(self, cursor_class=None):
        """Return a cursor that knows what fakesnow lacks."""
        return Cursor(self, self._duck_conn)

    def run(self, sql, bindings=None, describe_only=False):
        """Run one statement; returns its finished cursor and describes it in the history.

        With `describe_only` a query has its columns and no rows: what Snowpark asks for a schema.
        """
        entry = {
            "QUERY_ID": str(uuid.uuid4()),
            "QUERY_TEXT": sql,
            "SESSION_ID": self.session_id,
            "ROLE_NAME": self.role,
            "WAREHOUSE_NAME": self.warehouse,
            "QUERY_TAG": self.parameters["QUERY_TAG"],
            "EXECUTION_STATUS": "SUCCESS",
            "ERROR_MESSAGE": None,
            "START_TIME": datetime.now(UTC).replace(tzinfo=None),
            "TOTAL_ELAPSED_TIME": None,
            "ROWS_PRODUCED": 0,
        }
        started = time.perf_counter()
        try:
            with self.turn:
                cursor = self.cursor()
                cursor.execute(f"select * from ({sql}) limit 0" if describe_only else sql, bindings)
                cursor.rowtype = describe_as_rowtype(cursor._describe_last_sql())
                for column in cursor.rowtype:
                    column["name"] = column["name"].replace(MARK, "")
            if cursor._arrow_table is not None:
                entry["ROWS_PRODUCED"] = cursor._arrow_table.num_rows
            return cursor
        except Error as error:
            entry |= {"EXECUTION_STATUS": "FAIL", "ERROR_MESSAGE": error.msg}
            raise
        except Exception as error:
            message = f"The emulator failed: {error}\n{traceback.format_exc()}"
            entry |= {"EXECUTION_STATUS": "FAIL", "ERROR_MESSAGE": message}
            raise ProgrammingError(msg=message, errno=300005, sqlstate="XX000") from error
        finally:
            entry["TOTAL_ELAPSED_TIME"] = round(1000 * (time.perf_counter() - started))
            self.account.history.append(entry)

    def end(self):
        """Drop what was temporary and close the session."""
        if self.caller:
            self.close()
            return
        with self.account.lock:
            for name, kind in self.temporary.items():
                self._duck_conn.execute(f"drop {kind} if exists {name}")
            for name in self.temporary_stages:
                forget_stage(self.account, name)
            self.close()


async def body_of(request):
    """Return the JSON body of a request."""
    body = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return json.loads(body) if body else {}


def make_app(account):
    """Make the web application that speaks Snowflake's protocol for an account."""

    async def login(request):
        parameters = (await body_of(request))["data"].get("SESSION_PARAMETERS") or {}
        session = await run_in_threadpool(account.login, dict(request.query_params))
        session.parameters["QUERY_TAG"] = parameters.get("QUERY_TAG") or ""
        if caller := account.callers.get(parameters.get("EMULATOR_CALLER")):
            session.join(caller)
        token = uuid.uuid4().hex
        sessions[token] = session
        return JSONResponse(
            {
                "data": {
                    "token": token,
                    "masterToken": token,
                    "sessionId": session.session_id,
                    "serverVersion": SERVER_VERSION,
                    "parameters": [
                        {"name": "AUTOCOMMIT", "value": True},
                        {"name": "TIMEZONE", "value": "Etc/UTC"},
                        {"name": "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", "value": 0},
                    ],
                    "sessionInfo": {
                        "databaseName": session.database,
                        "schemaName": session.schema,
                        "warehouseName": session.warehouse,
                        "roleName": session.role,
                    },
                },
                "success": True,
            }
        )

    async def query(request):
        session = sessions.get(to_token(request))
        if session is None:
            return JSONResponse(
                {"data": None, "code": "390104", "message": "Log in again.", "success": False},
                status_code=401,
            )
        body = await body_of(request)
        try:
            cursor = await run_in_threadpool(
                session.run,
                body["sqlText"],
                bindings_of(body.get("bindings")),
                bool(body.get("describeOnly")) and is_query(body["sqlText"]),
            )
        except Error as error:
            code = f"{error.errno or 1003:06d}"
            return JSONResponse(
                {
                    "data": {"errorCode": code, "sqlState": error.sqlstate},
                    "code": code,
                    "message": re.sub(r"^\d+ \(\w+\): ", "", error.msg or str(error)),
                    "success": False,
                }
            )
        return JSONResponse(result_of(session, cursor))

    async def end(request):
        if request.query_params.get("delete") and (
            session := sessions.pop(to_token(request), None)
        ):
            await run_in_threadpool(session.end)
        return JSONResponse({"data": None, "code": None, "message": None, "success": True})

    async def abort(request):
        return JSONResponse({"success": True})

    return Starlette(
        routes=[
            Route("/session/v1/login-request", login, methods=["POST"]),
            Route("/session", end, methods=["POST"]),
            Route("/session/heartbeat", end, methods=["POST"]),
            Route("/queries/v1/query-request", query, methods=["POST"]),
            Route("/queries/v1/abort-request", abort, methods=["POST"]),
            Route("/telemetry/send", abort, methods=["POST"]),
            Route(
                "/monitoring/queries/{sfqid}",
                monitoring_query,
                methods=["GET"],
            ),
        ]
    )


def bindings_of(bindings):
    """Return the values bound to a statement's `?`, in order; several rows as a list of tuples."""
    if not bindings:
        return None
    values = [bindings[str(place)] for place in range(1, len(bindings) + 1)]
    if any(isinstance(value["value"], list) for value in values):
        columns = [[from_binding({**v, "value": one}) for one in v["value"]] for v in values]
        return list(zip(*columns, strict=True))
    return tuple(from_binding(value) for value in values)


def on_the_wire(table, rowtype):
    """Return a result as the client reads it: fakesnow sends 1970 where a timestamp is null."""
    for place, column in enumerate(table.columns):
        if pyarrow.types.is_timestamp(column.type) and column.type.tz:
            moments = column.cast(pyarrow.timestamp("us", "UTC"))
            table = table.set_column(place, table.schema.names[place], moments)
    sent = to_sf(table, rowtype)
    for place, column in enumerate(table.columns):
        if pyarrow.types.is_timestamp(column.type) and column.null_count:
            moments = sent.column(place).combine_chunks()
            kept = pyarrow.StructArray.from_arrays(
                [part.fill_null(0) for part in moments.flatten()],
                fields=list(moments.type),
                mask=column.combine_chunks().is_null(),
            )
            sent = sent.set_column(place, sent.schema.field(place), kept)
    return sent


def result_of(session, cursor):
    """Return the response to a finished statement."""
    response = {
        "parameters": [{"name": "TIMEZONE", "value": "Etc/UTC"}],
        "queryId": cursor.sfqid,
        "statementTypeId": cursor.statement_type,
        "finalDatabaseName": session.database,
        "finalSchemaName": session.schema,
        "finalRoleName": session.role,
        "finalWarehouseName": session.warehouse,
    }
    if cursor.upload is not None:
        return {"data": cursor.upload | response, "success": True}
    table = cursor._arrow_table
    if cursor.statement_type in DML_TYPE_IDS:
        rows = [
            [None if value is None else str(value) for value in row.values()]
            for row in table.to_pylist()
        ]
        result = {"queryResultFormat": "json", "rowset": rows}
    else:
        # Snowflake sends nothing where there is no row; the client then knows the columns' types.
        content = to_ipc(on_the_wire(table, cursor.rowtype)) if table.num_rows else b""
        result = {
            "queryResultFormat": "arrow",
            "rowsetBase64": base64.b64encode(content).decode(),
        }
    return {
        "data": {"rowtype": cursor.rowtype, "total": table.num_rows} | response | result,
        "success": True,
    }
