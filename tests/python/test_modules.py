"""The modules that train: both targets run the same code, and dbt sees when it changes."""

import hashlib
import re

import yaml

from conftest import PROJECT

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
