"""An emulated Snowflake account that a shop is loaded into and built on."""

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import yaml
from dbt_process import run_dbt

from conftest import PROJECT
from snowflake_emulator.parity import first_difference, public_marts

SETUP = (PROJECT / "profiles" / "setup_snowflake.sql").read_text()
WAREHOUSES = {"ACCOUNTADMIN": "", "LOADER": "LOADING", "TRANSFORMER": "TRANSFORMING"}
# Data and unit tests are the same for every shop; equal marts prove more of it.
MODELS_ONLY = ["--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"]


class Account:
    """An emulated account and the folder that its shop's raw files are loaded from."""

    def __init__(self, emulator, raw, work, shop_vars=None):
        self.emulator = emulator
        self.raw = raw
        self.work = work
        self.shop_vars = shop_vars

    def target(self, role):
        """Return the target folder of a role; of its own, since dbt parses anew for another."""
        return self.work / f"target_{role.lower()}"

    def command(self, *arguments, role="TRANSFORMER", project=PROJECT, **settings):
        """Return the arguments of subprocess for a dbt command on the account."""
        variables = ["--vars", yaml.safe_dump(self.shop_vars)] if self.shop_vars else []
        return {
            "args": [Path(sys.executable).parent / "dbt", "--no-use-colors", *arguments, *variables]
            + ["--target", "snowflake", "--profiles-dir", PROJECT / "profiles"]
            + ["--target-path", self.target(role), "--log-path", self.work / "logs"],
            "cwd": project,
            "env": os.environ
            | self.emulator.environment
            | {"CLIENTELE_RAW_DIR": str(self.raw), "CLIENTELE_THREADS": "4"}
            | {"SNOWFLAKE_ROLE": role, "SNOWFLAKE_WAREHOUSE": WAREHOUSES[role]}
            | settings,
            "stdin": subprocess.DEVNULL,
        }

    def dbt(self, *arguments, **options):
        """Run dbt; returns the finished process, its output in `stdout`."""
        command = self.command(*arguments, **options)
        run = partial(run_dbt, command["args"][1:], env=command["env"], cwd=command["cwd"])
        # The connector's first two results of a process, read by two threads, may wait for each
        # other forever: its logger is set up under a lock that is taken beside Python's own.
        return run(timeout=900) or run()

    def succeed(self, *arguments, **options):
        """Run dbt, which must end green."""
        result = self.dbt(*arguments, **options)
        assert result.returncode == 0, result.stdout[-5000:]
        return self

    def load(self, **arguments):
        """Load the raw files as the loader."""
        options = ["--args", yaml.safe_dump(arguments)]
        return self.succeed("run-operation", "load_raw", *options, role="LOADER")

    def build(self, *arguments):
        """Load the raw files and build, which must end green."""
        self.load().succeed("build", *arguments)
        # The next command writes a manifest without the SQL that this one compiled.
        shutil.copy(self.target("TRANSFORMER") / "manifest.json", self.built_manifest)
        return self

    @property
    def built_manifest(self):
        """The manifest of the last build, compiled SQL included."""
        return self.work / "built_manifest.json"


def make_account(emulator, raw, work, **options):
    """Set an empty account up, by the script in the repository."""
    emulator.run_script(SETUP)
    return Account(emulator, raw, work, **options)


def assert_same_marts(shop, account, at_least=8):
    """Fail with the first difference between the public marts that were built of a shop."""
    marts = public_marts(account.target("TRANSFORMER") / "manifest.json")
    tables = "select lower(table_schema || '.' || table_name) from information_schema.tables"
    built = {name for (name,) in account.emulator.query(tables, database="ANALYTICS")}
    marts = {mart: key for mart, key in marts.items() if mart in built}
    assert len(marts) >= at_least
    assert first_difference(shop.database, account.emulator, marts) is None
