"""The modules that train: both targets run the same code, and dbt sees when it changes."""

import hashlib
import re

import pytest
import yaml
from conftest import PROJECT

from tests.python.snowflake_emulator import Emulator

MODULES = PROJECT / "clientele"


def imports():
    """Return the version and the names of the modules that Snowflake imports, from dbt's config."""
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    text = project["models"]["clientele"]["ml"]["+imports"]
    (version,) = set(re.findall(r"STAGE/(\w+)/", text))
    return version, re.findall(r"'(\w+)'", text.split("join")[0])


def test_snowflake_imports_every_module():
    names = {path.stem for path in MODULES.glob("*.py")} - {"__init__"}
    assert sorted(names) == imports()[1]


def test_changed_code_has_another_version():
    digest = hashlib.sha256()
    for path in sorted(MODULES.glob("*.py")):
        digest.update(f"{path.name}\n{path.read_text()}".encode())
    version = digest.hexdigest()[:12]
    assert imports()[0] == version, (
        f"The modules changed, and dbt would not know: write {version} into +imports of "
        "dbt_project.yml."
    )


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    """Start an emulator with the modules of a small package on a stage."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "shim").mkdir()
    (folder / "shim" / "clientele.py").write_text((MODULES / "clientele.py").read_text())
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
