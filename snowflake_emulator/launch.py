"""Start and stop the emulator: as a process of its own, for tests and for a person."""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import snowflake.connector

PROJECT = Path(__file__).parents[1]
ACCESS = {
    "account": "emulator",
    "user": "emulator",
    "password": "emulator",
    "host": "127.0.0.1",
    "protocol": "http",
}


class Emulator:
    """A Snowflake account on this machine, in a process of its own.

    Parameters
    ----------
    folder : pathlib.Path
        Where its databases are kept. An emulator that is killed and started again on its folder has
        what was committed.
    parameters : dict
        Session parameters of the account that are not as in a new one (`parameters.py`).
    """

    def __init__(self, folder, parameters=()):
        self.folder = Path(folder)
        self.parameters = dict(parameters)
        self.process = None

    def __enter__(self):
        """Start it and wait until it listens."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "emulator.log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snowflake_emulator"]
                + ["--port", str(self.port), "--folder", str(self.folder)]
                + ["--parameters", json.dumps(self.parameters)],
                cwd=PROJECT,
                stdout=log,
                stderr=log,
            )
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError((self.folder / "emulator.log").read_text()[-3000:])
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.1)
        raise RuntimeError("The emulator does not listen after a minute.")

    def __exit__(self, *_):
        """Stop it."""
        self.process.terminate()
        self.process.wait(30)

    @property
    def environment(self):
        """The environment variables that bring dbt to it."""
        return environment(self.port)

    def run_script(self, text, role="ACCOUNTADMIN"):
        """Run statements one after the other, in one session."""
        with snowflake.connector.connect(**ACCESS, port=self.port, role=role) as connection:
            connection.execute_string(text, remove_comments=True)

    def query(self, sql, role="TRANSFORMER", before=(), **options):
        """Rows of a query over the wire, in a session that ran other statements before."""
        with (
            snowflake.connector.connect(
                **ACCESS, port=self.port, role=role, **options
            ) as connection,
            connection.cursor() as cursor,
        ):
            for statement in before:
                cursor.execute(statement)
            return cursor.execute(sql).fetchall()

    def cost(self):
        """Return what was run so far: statements, their text, and what takes time in each build.

        Returns
        -------
        dict of int
            `statements`; `characters` of all, and of the `longest`; `tables` written;
            `session_settings` (ALTER SESSION).
        """
        [row] = self.query(
            """
            select
                count(*), sum(length(query_text)), max(length(query_text)),
                count_if(regexp_like(query_text, '(?is)create (or replace )?.*table .*|insert .*')),
                count_if(regexp_like(query_text, '(?is)alter session.*'))
            from (
                select trim(regexp_replace(query_text, '/[*].*?[*]/', '')) as query_text
                from snowflake.account_usage.query_history
            )
            """,
            database="ANALYTICS",
        )
        names = ("statements", "characters", "longest", "tables", "session_settings")
        return dict(zip(names, map(int, row), strict=True))


def environment(port):
    """Return the environment variables that bring dbt to an emulator on a port."""
    return {
        "SNOWFLAKE_HOST": "127.0.0.1",
        "SNOWFLAKE_PORT": str(port),
        "SNOWFLAKE_PROTOCOL": "http",
        "SNOWFLAKE_ACCOUNT": "emulator",
        "SNOWFLAKE_USER": "emulator",
        "SNOWFLAKE_PASSWORD": "emulator",
        "SNOWFLAKE_SCHEMA": "main",
    }


def main():
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m snowflake_emulator")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--folder", default=None, help="keep the databases here")
    parser.add_argument("--parameters", type=json.loads, default={}, help="of the account, as JSON")
    options = parser.parse_args()

    import uvicorn

    from .server import Account, make_app

    folder = Path(options.folder or tempfile.mkdtemp(prefix="snowflake_emulator_"))
    folder.mkdir(parents=True, exist_ok=True)
    account = Account(folder, options.parameters)
    account.url = ACCESS | {"port": options.port}
    for name, value in environment(options.port).items():
        print(f"export {name}={value}")
    sys.stdout.flush()
    os.environ.setdefault("TZ", "UTC")
    uvicorn.run(make_app(account), host="127.0.0.1", port=options.port, log_level="warning")
