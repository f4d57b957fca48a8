"""Builds of whole shops, each in a folder and a database of its own."""

import fcntl
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import duckdb
import pytest
import yaml
from dbt_process import run_dbt

PROJECT = Path(__file__).parent
SAMPLE = PROJECT / "sample"
RAW_FILES = [
    "orders.csv",
    "customers.json",
    "products.parquet",
    "inventory.csv",
    "returns.csv",
    "events.csv",
]
# What a build writes, and `main`, where it should leave nothing; `raw` holds views of the input.
BUILT_SCHEMAS = (
    "main",
    "staging",
    "core",
    "features",
    "ml",
    "customers",
    "sales",
    "inventory",
    "monitoring",
)
# For tests of what comes before the models that train.
WITHOUT_TRAINING = ("--exclude", "tag:train+")


@dataclass
class Shop:
    """A shop's raw files and the DuckDB database that they are built into."""

    raw: Path
    database: Path
    workbench: ClassVar[Path]

    def target(self, *variables):
        """Return the target folder; dbt parses anew for another path or other vars."""
        return self.workbench / f"target_{hash((self.database.name, *variables))}"

    def dbt(self, *arguments, shop_vars=None, threads=4, run=run_dbt):
        """Run dbt on the shop; returns the finished process, its output in `stdout`."""
        variables = ["--vars", yaml.safe_dump(shop_vars)] if shop_vars else []
        # dbt parses anew for another path: shops are built at one path, a link to their own.
        link = self.workbench / self.database.name
        link.unlink(missing_ok=True)
        link.symlink_to(self.database)
        return run(
            ["--no-use-colors", *arguments]
            + ["--target", "duckdb", "--target-path", self.target(*variables)]
            + ["--log-path", self.database.with_suffix(".log"), *variables],
            cwd=PROJECT,
            env=os.environ
            | {
                "CLIENTELE_RAW_DIR": str(self.raw),
                "CLIENTELE_DUCKDB": str(link),
                "CLIENTELE_THREADS": str(threads),
            },
        )

    def build(self, *arguments, **options):
        """Build and test the shop, which must end green; unit tests are the same for any."""
        return self.succeed("build", "--exclude-resource-type", "unit_test", *arguments, **options)

    def succeed(self, *arguments, **options):
        """Run dbt, which must end green."""
        result = self.dbt(*arguments, **options)
        assert result.returncode == 0, result.stdout[-5000:]
        return self

    def query(self, sql):
        """Rows of a query on the built database."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def tables(self, schemas=BUILT_SCHEMAS):
        """Every built relation as sorted rows, by its qualified name, but the memory of builds."""
        names = self.query(
            f"""
            select table_schema || '.' || table_name from information_schema.tables
            where table_schema in {tuple(schemas)} and table_name != 'build_history' order by 1
            """
        )
        return {name: self.query(f"select * from {name} order by all") for (name,) in names}


def assert_same_tables(left, right):
    """Fail with the names of the tables, and the first rows, that differ."""
    assert left.keys() == right.keys()
    for name in left:
        missing, extra = set(left[name]) - set(right[name]), set(right[name]) - set(left[name])
        assert left[name] == right[name], (name, list(missing)[:3], list(extra)[:3])


def check_catalog(shop):
    """Fail where the tables of a shop, its docs generated, are not as the YAML lists them."""
    rules = yaml.safe_load((PROJECT / "dbt-bouncer.yml").read_text())
    rules["dbt_artifacts_dir"] = str(shop.target())
    config = shop.target() / "dbt-bouncer.yml"
    config.write_text(yaml.safe_dump(rules))
    result = subprocess.run(
        [Path(sys.executable).parent / "dbt-bouncer", "run", "--only", "catalog_checks"]
        + ["--config-file", config],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]


@pytest.fixture(scope="session", autouse=True)
def workbench(tmp_path_factory):
    """Give the shops of this process one place to be built at."""
    Shop.workbench = tmp_path_factory.mktemp("workbench")


@pytest.fixture
def make_shop(tmp_path):
    """Make a shop in a folder of its own: `raw` is copied from the sample unless told otherwise."""

    def make(name="shop", files=RAW_FILES):
        raw = tmp_path / name
        raw.mkdir()
        for file in files:
            (raw / file).write_bytes((SAMPLE / file).read_bytes())
        return Shop(raw, raw / "shop.duckdb")

    return make


@pytest.fixture(scope="session")
def sample(tmp_path_factory, worker_id):
    """Build the sample shop once, unit tests included, and its docs; tests only read it.

    The first process that needs it builds it, the others take a copy.
    """
    shop = Shop(SAMPLE, tmp_path_factory.mktemp("sample") / "shop.duckdb")
    folder = tmp_path_factory.getbasetemp()
    built = (folder if worker_id == "master" else folder.parent) / "sample.duckdb"
    with built.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if built.exists():
            shutil.copy(built, shop.database)
        else:
            build = shop.dbt("build")
            # Some tests only warn, so that an odd shop still builds; the sample gives no reason to.
            assert build.returncode == 0 and "WARN=0" in build.stdout, build.stdout[-5000:]
            shop.succeed("docs", "generate")
            check_catalog(shop)
            shutil.copy(shop.database, built)
    return shop
