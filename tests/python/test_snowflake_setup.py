"""Roles, grants and masking on Snowflake, as far as they can be told without an account."""

import os
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from dbt.adapters.factory import get_adapter_by_type
from dbt.cli.main import dbtRunner
from dbt.clients.jinja import get_rendered
from dbt.config.runtime import load_profile
from dbt.context.providers import generate_runtime_model_context
from dbt.flags import set_from_args
from dbt_common.context import set_invocation_context
from dbt_process import run_dbt

PROJECT = Path(__file__).parents[2]
SCRIPT = PROJECT / "profiles" / "setup_snowflake.sql"
# Columns that tell who a customer is, whatever table they stand in.
PERSONAL = re.compile(r"^(raw_)?(customer_name|name|email|city|shipping_address)$|^raw_record$")


def environment(**settings):
    """Return this environment with the settings of Snowflake that are given, and no other."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SNOWFLAKE_", "RAW_"))
    }
    return kept | settings


def script(tmp_path, *arguments, **settings):
    """Return what `dbt run-operation setup_snowflake` prints."""
    result = run_dbt(
        ["--quiet", "run-operation", "setup_snowflake"]
        + ["--target", "snowflake", "--target-path", tmp_path, "--log-path", tmp_path, *arguments],
        cwd=PROJECT,
        env=environment(**settings),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def production(tmp_path_factory):
    """Return models and snapshots of production, each with the SQL of its masking hook."""
    path = tmp_path_factory.mktemp("snowflake")
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("SNOWFLAKE_", "RAW_")):
                patch.delenv(name)
        patch.setenv("SNOWFLAKE_SCHEMA", "main")
        patch.chdir(PROJECT)
        parsed = dbtRunner().invoke(
            ["--quiet", "parse", "--target", "snowflake", "--no-partial-parse"]
            + ["--target-path", str(path), "--log-path", str(path)]
        )
        assert parsed.success, parsed.exception
        adapter = get_adapter_by_type("snowflake")
        adapter.set_macro_resolver(parsed.result)
        built = {}
        for node in parsed.result.nodes.values():
            if node.resource_type in ("model", "snapshot"):
                context = generate_runtime_model_context(node, adapter.config, parsed.result)
                hook = "{{ mask_personal_data() }}"
                assert hook in [post_hook.sql for post_hook in node.config.post_hook], node.name
                built[node.name] = (node, get_rendered(hook, context, node))
    return built


def credentials(**settings):
    """Return what the profile hands to the connector in an environment of these settings."""
    set_from_args(Namespace(PROFILES_DIR=str(PROJECT / "profiles")), None)
    set_invocation_context(settings)
    return load_profile(str(PROJECT), {}, None, "snowflake").credentials.auth_args()


def personal_columns(node):
    return [name for name, column in node.columns.items() if column.config.meta.get("contains_pii")]


def test_the_script_in_the_repository_is_what_the_macro_renders(tmp_path):
    rendered = script(tmp_path)
    assert rendered == SCRIPT.read_text(), (
        "dbt --quiet run-operation setup_snowflake > profiles/setup_snowflake.sql"
    )


def test_the_script_makes_every_schema_and_opens_the_marts_alone(production):
    text = SCRIPT.read_text()
    made = set(re.findall(r"create schema if not exists ANALYTICS\.(\w+);", text))
    assert made == {node.config.schema for node, _ in production.values()} | {"raw", "SECURITY"}
    opened = set(re.findall(r"grant usage on schema ANALYTICS\.(\w+) to role REPORTER;", text))
    assert opened == {node.schema for node, _ in production.values() if node.config.grants}
    assert not re.search(r"on (all|future) \w+ in \w+ \S+ to role REPORTER", text)


@pytest.mark.parametrize("kind", ["tables", "views"])
def test_dbt_reads_what_lands_now_and_later(kind):
    for when in ("all", "future"):
        grant = f"grant select on {when} {kind} in schema RAW.SHOP to role TRANSFORMER;"
        assert grant in SCRIPT.read_text()


def test_names_follow_the_environment_and_a_limit_is_set_on_demand(tmp_path):
    text = script(
        tmp_path,
        *("--args", "{monthly_credits: 20}"),
        SNOWFLAKE_REPORTER_ROLE="BI",
        SNOWFLAKE_TRAINING_WAREHOUSE="ML",
        SNOWFLAKE_MASKING_POLICY="",
        RAW_SCHEMA="LANDING",
    )
    assert "create role if not exists BI " in text
    assert "REPORTER" not in text
    assert "alter warehouse ML set resource_monitor = CLIENTELE;" in text
    assert "RAW.LANDING" in text
    assert "masking policy" not in text


def test_every_table_with_personal_data_is_masked_after_it_is_built(production):
    masked = 0
    for node, hook in production.values():
        policy = "set masking policy ANALYTICS.SECURITY.MASK_PERSONAL_DATA force"
        columns = personal_columns(node) if node.config.materialized != "view" else []
        table = f"ANALYTICS.{node.schema}.{node.name}"
        expected = [f"alter table {table} modify column {column} {policy}" for column in columns]
        assert hook.split(";\n") == (expected or [""])
        masked += len(expected)
    assert masked >= 20


def test_a_column_that_names_a_customer_is_marked_as_personal(production):
    for node, _ in production.values():
        named = {name for name in node.columns if PERSONAL.match(name)}
        assert named <= set(personal_columns(node)), node.name


def test_personal_columns_are_text_as_the_policy_expects(production):
    for node, _ in production.values():
        for name in personal_columns(node):
            assert node.columns[name].data_type in ("varchar", None), (node.name, name)


def test_the_reporter_gets_production_marts_and_no_unmasked_moment(production):
    for node, _ in production.values():
        is_mart = node.fqn[1] == "marts"
        assert node.config.grants == ({"select": ["REPORTER"]} if is_mart else {}), node.name
        if is_mart and personal_columns(node):
            # Granted anew after masking, instead of keeping the grants of the table it replaces.
            assert node.config.get("copy_grants") is False, node.name


def test_history_that_no_build_can_repeat_is_not_transient(production):
    lasting = {name for name, (node, _) in production.items() if not node.config.get("transient")}
    snapshots = {n for n, (node, _) in production.items() if node.resource_type == "snapshot"}
    assert lasting == snapshots | {
        "churn_model",
        "value_model",
        "segment_model",
        "churn_predictions",
        "build_history",
        "fct_inventory_history",
        "forgotten_customers",
    }


def test_python_models_pin_every_package(production):
    pins = {
        tuple(node.config.get("packages"))
        for node, _ in production.values()
        if node.language == "python"
    }
    assert len(pins) == 1, "versions stand in dbt_project.yml alone"
    assert all(re.fullmatch(r"[a-z-]+==[0-9.]+", package) for package in pins.pop())


def test_a_password_needs_no_key_and_an_account_no_host():
    given = credentials(SNOWFLAKE_USER="dbt", SNOWFLAKE_PASSWORD="secret")
    assert given["password"] == "secret"
    assert given["private_key"] is None
    assert not {"host", "authenticator"} & set(given)


def test_a_token_takes_the_place_of_a_password():
    given = credentials(
        SNOWFLAKE_USER="dbt",
        SNOWFLAKE_TOKEN="secret",
        SNOWFLAKE_AUTHENTICATOR="programmatic_access_token",
    )
    assert (given["token"], given["authenticator"]) == ("secret", "programmatic_access_token")
    assert "password" not in given


def test_a_key_is_read_from_a_file_and_from_text(tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"phrase"),
    )
    (tmp_path / "key.p8").write_bytes(text)
    phrase = {"SNOWFLAKE_PRIVATE_KEY_PASSPHRASE": "phrase"}
    by_file = credentials(SNOWFLAKE_PRIVATE_KEY_PATH=str(tmp_path / "key.p8"), **phrase)
    by_text = credentials(SNOWFLAKE_PRIVATE_KEY=text.decode(), **phrase)
    assert (
        by_file["private_key"]
        == by_text["private_key"]
        == key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    assert "password" not in by_file


def test_an_emulator_has_a_host_of_its_own():
    given = credentials(
        SNOWFLAKE_HOST="localhost", SNOWFLAKE_PORT="8899", SNOWFLAKE_PROTOCOL="http"
    )
    assert (given["host"], given["port"], given["protocol"]) == ("localhost", 8899, "http")


def test_no_secret_stands_in_an_output_a_log_or_an_artefact(tmp_path):
    """Also where the connection fails, with all that dbt can say."""
    secrets = ["PASSWORD", "TOKEN", "PRIVATE_KEY", "PRIVATE_KEY_PASSPHRASE"]
    planted = {f"SNOWFLAKE_{name}": f"planted-{name}" for name in secrets}
    # Nobody listens there.
    nowhere = {"SNOWFLAKE_HOST": "127.0.0.1", "SNOWFLAKE_PORT": "1", "SNOWFLAKE_ACCOUNT": "account"}
    places = {"DBT_TARGET_PATH": str(tmp_path / "target"), "DBT_LOG_PATH": str(tmp_path / "logs")}
    texts = []
    for command in ("parse", "debug"):
        result = subprocess.run(
            [Path(sys.executable).parent / "dbt", "--debug", "--log-level-file", "debug", command]
            + ["--target", "snowflake"],
            cwd=PROJECT,
            env=environment(SNOWFLAKE_USER="shown-user", **planted, **nowhere, **places),
            capture_output=True,
        )
        texts += [result.stdout, result.stderr]
    # It does say how it tries to connect.
    assert b"shown-user" in texts[2]
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {"dbt.log", "manifest.json"} <= {file.name for file in files}
    for text in [*texts, *(file.read_bytes() for file in files)]:
        assert b"planted-" not in text
