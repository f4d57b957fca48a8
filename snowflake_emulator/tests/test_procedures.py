"""Modules of a stage in a Python procedure: what is imported, what is refused."""

import re

import pytest

from snowflake_emulator import Emulator
from snowflake_emulator.launch import PROJECT


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    """Start an emulator with the modules of a small package on a stage."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "shim").mkdir()
    shim = (PROJECT / "clientele" / "clientele.py").read_text()
    (folder / "shim" / "clientele.py").write_text(shim)
    (folder / "part.py").write_text("import numpy\nfrom clientele.other import NAME\n")
    (folder / "other.py").write_text("NAME = 'of the stage'\n")
    with Emulator(folder / "data") as started:
        started.run_script("create database one; create stage one.main.modules;")
        for file in ("shim/clientele.py", "part.py", "other.py"):
            started.run_script(
                f"put 'file://{folder}/{file}' @one.main.modules/v1 auto_compress = false;"
            )
        yield started


def call(emulator, files, packages="'numpy==1.26.4'"):
    """Call a procedure that imports a module of the package, with files in its IMPORTS."""
    places = ", ".join(f"'@one.main.modules/v1/{file}.py'" for file in files)
    return emulator.query(
        f"""
        with reader as procedure ()
        returns string language python runtime_version = '3.11'
        packages = ({packages}) imports = ({places}) handler = 'main' execute as caller as $$
from clientele.part import NAME
def main(session):
    return NAME
$$
        call reader();
        """,
        database="ONE",
        schema="MAIN",
    )


def test_the_emulator_imports_what_is_on_the_stage(emulator):
    assert call(emulator, ["clientele", "part", "other"]) == [("of the stage",)]


@pytest.mark.parametrize(
    ("files", "packages", "reason"),
    [
        (["clientele", "part", "gone"], "'numpy==1.26.4'", "v1/gone.py' was not found"),
        (["clientele", "part"], "'numpy==1.26.4'", "No module named 'clientele.other'"),
        (["part", "other"], "'numpy==1.26.4'", "'clientele' is imported but not in"),
        (
            ["clientele", "part", "other"],
            "'snowflake-snowpark-python'",
            "'numpy' is imported but not in",
        ),
    ],
    ids=["not_on_the_stage", "not_imported", "no_package", "package_of_a_module"],
)
def test_the_emulator_refuses_what_a_procedure_does_not_list(emulator, files, packages, reason):
    with pytest.raises(Exception, match=re.escape(reason)):
        call(emulator, files, packages)
