"""Builds that are killed, have no room or meet another leave the last good marts as they were.

`CLIENTELE_KILLS=20` kills more of them.
"""

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys

import pytest

from conftest import PROJECT, SAMPLE, Shop

KILLS = int(os.environ.get("CLIENTELE_KILLS", "3"))
# Facts, marts, a snapshot, and a table that is built by days: what could be half-written.
MODELS = ["+customer_rfm", "+daily_sales", "+int_customer_snapshots", "+customers_history"]
OPTIONS = ["--no-use-colors", "--exclude-resource-type", "unit_test"]
OPTIONS += ["--exclude-resource-type", "test", "--select", *MODELS]


class Builder:
    """A shop that is built by `bin/build.py`, as `make build` does."""

    def __init__(self, folder):
        self.shop = Shop(folder / "raw", folder / "shop.duckdb")
        self.options = ["--target-path", folder / "target", "--log-path", folder / "logs"]

    def start(self, limit=None, **settings):
        """Start a build in a process group of its own, its output as lines in `stdout`."""
        return subprocess.Popen(
            [sys.executable, PROJECT / "bin" / "build.py", *self.options, *OPTIONS],
            cwd=PROJECT,
            env=os.environ
            | {"CLIENTELE_RAW_DIR": str(self.shop.raw)}
            | {"CLIENTELE_DUCKDB": str(self.shop.database)}
            | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            preexec_fn=limit,
        )

    def build(self, limit=None, **settings):
        """Build; returns the exit status and the output."""
        with self.start(limit, **settings) as process:
            output = process.communicate()[0]
        return process.returncode, output


def wait_for(process, place):
    """Read the output of a build until so many models were started or built."""
    for line in process.stdout:
        place -= bool(re.search(r"\d+ of \d+ (START|OK)", line))
        if place == 0:
            return
    pytest.fail("The build ended before it was disturbed.")


@pytest.fixture(scope="module")
def half_built(tmp_path_factory):
    """Build a shop that has half of its orders; the others have come since."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "raw").mkdir()
    for file in SAMPLE.iterdir():
        if file.suffix in (".csv", ".json", ".parquet"):
            shutil.copy(file, folder / "raw")
    lines = (SAMPLE / "orders.csv").read_bytes().splitlines(keepends=True)
    (folder / "raw" / "orders.csv").write_bytes(b"".join(lines[: len(lines) // 2]))
    builder = Builder(folder)
    status, output = builder.build()
    assert status == 0, output[-3000:]
    shutil.copy(SAMPLE / "orders.csv", folder / "raw")
    shutil.copy(builder.shop.database, folder / "half.duckdb")
    return builder


@pytest.fixture
def builder(half_built):
    """Take the shop back to before its second half was built."""
    shutil.copy(half_built.shop.database.with_name("half.duckdb"), half_built.shop.database)
    return half_built


def test_a_killed_build_leaves_the_last_marts_and_the_next_is_whole(builder):
    before = builder.shop.database.read_bytes()
    for place in random.Random(1).sample(range(4, 60), KILLS):
        process = builder.start()
        wait_for(process, place)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert builder.shop.database.read_bytes() == before
    assert builder.build()[0] == 0
    after_kills = builder.shop.tables()
    builder.shop.database.write_bytes(before)
    assert builder.build()[0] == 0
    assert after_kills == builder.shop.tables()


def test_a_second_build_is_refused_also_while_only_dbt_of_the_first_is_left(builder):
    process = builder.start()
    wait_for(process, 3)
    # Alone: its dbt goes on writing to the copy.
    os.kill(process.pid, signal.SIGKILL)
    status, output = builder.build()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert status == 1
    assert "Another build of" in output and "wait for its end" in output
    assert builder.build()[0] == 0


def at_most(size):
    """Return what lets no file grow beyond a size: a full disk, as a process sees it."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize(
    ("room", "settings", "says"),
    [
        (-1_000_000, {}, "a build needs room for a second database there"),
        (1_000_000, {}, "File too large"),
        (None, {"CLIENTELE_DUCKDB_MEMORY": "8MB"}, "Out of Memory Error"),
    ],
)
def test_a_build_without_room_says_so_and_leaves_the_last_marts(builder, room, settings, says):
    before = builder.shop.database.read_bytes()
    limit = room and at_most(len(before) + room)
    status, output = builder.build(limit, **settings)
    assert status == 1
    assert says in output
    assert "Traceback" not in output
    assert builder.shop.database.read_bytes() == before
