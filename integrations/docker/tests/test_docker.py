"""The image's parts, as far as they can be tried without a container engine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pathspec
import pytest

from conftest import PROJECT

BIN = Path(sys.executable).parent
ENTRYPOINT = "integrations/docker/entrypoint"


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", "Dockerfile"],
        ["shellcheck", ENTRYPOINT],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"],
    ],
    ids=lambda command: command[0],
)
def test_linters_find_nothing(command):
    result = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=PROJECT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def enter(stubs, *arguments, **environment):
    """Run the entry point with stubs for all that it could start."""
    return subprocess.run(
        [PROJECT / ENTRYPOINT, *arguments],
        env={"PATH": f"{stubs}:{os.environ['PATH']}", "CLIENTELE_DUCKDB": "none.duckdb"}
        | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def stubs(tmp_path):
    """Make a folder of programs that only say how they were called, and a file for a shop."""
    for name in ("python", "dbt", "streamlit"):
        program = tmp_path / name
        program.write_text('#!/bin/sh\nprintf "%s\\n" "${0##*/}" "$@"\n')
        program.chmod(0o755)
    (tmp_path / "shop.duckdb").touch()
    return tmp_path


WITHOUT_UNIT_TESTS = ["--exclude-resource-type", "unit_test"]
DUCKDB = ["python", "bin/build.py", *WITHOUT_UNIT_TESTS]
SNOWFLAKE = ["dbt", "build", *WITHOUT_UNIT_TESTS]


@pytest.mark.parametrize(
    "target, arguments, started",
    [
        ("duckdb", [], DUCKDB),
        ("duckdb", ["build", "--vars", "{a: b c}"], [*DUCKDB, "--vars", "{a: b c}"]),
        ("duckdb", ["train"], [*DUCKDB, "--selector", "train"]),
        ("duckdb", ["score"], [*DUCKDB, "--exclude", "tag:train"]),
        ("snowflake", ["build"], SNOWFLAKE),
        ("snowflake", ["train"], [*SNOWFLAKE, "--selector", "train"]),
        ("snowflake", ["score"], [*SNOWFLAKE, "--exclude", "tag:train"]),
        ("duckdb", ["dbt", "run-operation", "load_raw"], ["dbt", "run-operation", "load_raw"]),
        (
            "duckdb",
            ["api", "--port", "9000"],
            ["python", "-m", "integrations.api", "--host", "0.0.0.0"]
            + ["--predictions", "{folder}/predictions.duckdb", "--port", "9000"],
        ),
        (
            "duckdb",
            ["dashboard", "--server.port", "9000"],
            ["streamlit", "run", "--server.address", "0.0.0.0", "--server.port", "9000"]
            + ["integrations/dashboard/app.py"],
        ),
    ],
)
def test_a_command_starts_what_it_says(stubs, target, arguments, started):
    result = enter(
        stubs, *arguments, DBT_TARGET=target, CLIENTELE_DUCKDB=str(stubs / "shop.duckdb")
    )
    started = [word.replace("{folder}", str(stubs)) for word in started]
    assert (result.returncode, result.stdout.splitlines()) == (0, started), result.stderr


def test_an_unknown_command_is_told_in_one_sentence(stubs):
    result = enter(stubs, "biuld")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "There is no command 'biuld': give build, train, score, api, dashboard or dbt.\n"
    )


@pytest.mark.parametrize("command", ["train", "score"])
def test_a_command_that_needs_a_shop_says_so(stubs, command):
    result = enter(stubs, command)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("There is no shop in none.duckdb yet: run the command build")


def test_the_image_holds_what_a_build_needs_and_nothing_secret(tmp_path):
    image, data = tmp_path / "clientele", tmp_path / "data"
    data.mkdir()
    left_out = pathspec.PathSpec.from_lines(
        "gitwildmatch", (PROJECT / ".dockerignore").read_text().splitlines()
    )
    for name in (
        ".env",
        "profiles/clientele.p8",
        "clientele.duckdb",
        "logs/dbt.log",
        ".git/config",
    ):
        assert left_out.match_file(name), name

    def ignore(folder, names):
        return [
            name
            for name in names
            if left_out.match_file(str(Path(folder).relative_to(PROJECT) / name))
        ]

    shutil.copytree(PROJECT, image, symlinks=True, ignore=ignore)
    folders = {
        "clientele",
        "macros",
        "models",
        "plugins",
        "profiles",
        "seeds",
        "snapshots",
        "tests",
    }
    assert folders < {path.name for path in image.iterdir()}
    result = subprocess.run(
        [image / ENTRYPOINT, "build", "--select", "+stg_shop__products"],
        env={
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "CLIENTELE_DUCKDB": str(data / "clientele.duckdb"),
            "DBT_TARGET_PATH": str(data / "target"),
            "DBT_LOG_PATH": str(data / "logs"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    with duckdb.connect(str(data / "clientele.duckdb"), read_only=True) as shop:
        assert shop.execute("select count(*) > 0 from staging.stg_shop__products").fetchone()[0]
