"""The Terraform files as text, and what Airbyte lands by them as a shop. No Airbyte runs here."""

import gzip
import json
import re
from pathlib import Path

import hcl2
import pytest
import yaml

from conftest import PROJECT

FOLDER = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def terraform():
    """Read all Terraform files; returns their blocks by kind."""
    blocks = {}
    for path in sorted(FOLDER.glob("*.tf")):
        with path.open() as file:
            for kind, found in hcl2.load(file).items():
                blocks.setdefault(kind, []).extend(found)
    return blocks


def labelled(blocks):
    """Return blocks by their labels, whose quotes the parser keeps."""
    return {
        (kind.strip('"'), name.strip('"')): body
        for block in blocks
        for kind, named in block.items()
        for name, body in named.items()
        if isinstance(body, dict)
    }


def test_only_generic_resources_of_the_pinned_provider_are_used(terraform):
    (settings,) = terraform["terraform"]
    assert settings["required_providers"][0]["airbyte"]["version"] == '"~> 1.1"'
    assert {kind for kind, _ in labelled(terraform["resource"])} == {
        *("airbyte_source", "airbyte_destination", "airbyte_connection")
    }
    assert {kind for kind, _ in labelled(terraform["data"])} == {"airbyte_connector_configuration"}


def test_every_reference_is_declared_and_every_declaration_used(terraform):
    text = "\n".join(path.read_text() for path in FOLDER.glob("*.tf"))
    variables = {
        name.strip('"'): body for block in terraform["variable"] for name, body in block.items()
    }
    assert set(re.findall(r"\bvar\.(\w+)", text)) == variables.keys()
    declared = labelled(terraform["resource"]) | {
        ("data." + kind, name): body for (kind, name), body in labelled(terraform["data"]).items()
    }
    used = re.findall(r"= ((?:data\.)?airbyte_\w+)\.(\w+)\.", text)
    assert set(used) <= declared.keys()
    connections = {key for key in declared if key[0] == "airbyte_connection"}
    assert declared.keys() - set(used) == connections and len(connections) == 4


def test_secrets_are_marked_and_stand_apart(terraform):
    variables = {
        name.strip('"'): body for block in terraform["variable"] for name, body in block.items()
    }
    secrets = {name for name, body in variables.items() if body.get("sensitive")}
    assert secrets == {
        name for name in variables if re.search(r"secret|token|key|passphrase", name)
    }
    for body in labelled(terraform["data"]).values():
        open_settings = json.dumps(body["configuration"])
        assert not secrets & set(re.findall(r"var\.(\w+)", open_settings))


def test_a_bucket_of_the_lake_has_a_folder_per_stream(terraform):
    lake = labelled(terraform["data"])["airbyte_connector_configuration", "lake"]
    # Terraform's own sign for a variable is escaped: it is Airbyte's.
    assert lake["configuration"]["s3_path_format"].strip('"').startswith("$${STREAM_NAME}/")


LANDED = {
    "orders": {
        "order_id": "00012",
        "customer_id": "C1",
        "product_id": "007",
        "quantity": "2",
        "order_date": "2024-01-01 10:00:00",
        "shipping_address": 'Schillerstraße 9, "Hof", Berlin',
        "unit_price": "3.50",
    },
    "customers": {"customer_id": "C1", "name": "Sora 田中", "registration_date": "2023-12-29"},
    "products": {"product_id": "007", "name": "Kettle", "price": "3.50"},
    "inventory": {
        "product_id": "007",
        "warehouse_id": "W1",
        "stock_quantity": "4",
        "last_updated": "2024-01-02 00:00:00",
    },
}


def test_files_that_airbyte_landed_in_the_lake_are_read_without_a_mapping(make_shop):
    shop = make_shop(files=[])
    for table, record in LANDED.items():
        airbyte = {
            "_airbyte_raw_id": "6b0d0c0a-0e5c-4c43-9d2b-2f1c2f6a9d11",
            "_airbyte_extracted_at": 1704164400000,
            "_airbyte_generation_id": 1,
            "_airbyte_meta": {"changes": [], "sync_id": 7},
            "_ab_source_file_url": f"{table}.csv",
            "_ab_source_file_last_modified": "2024-01-02T03:00:00.000000Z",
        }
        (shop.raw / table).mkdir()
        with gzip.open(shop.raw / table / "2024_01_02_1704164400000_0.jsonl.gz", "wt") as file:
            file.write(json.dumps(airbyte | record) + "\n")
    shop.succeed("run-operation", "create_raw_views")
    for table, record in LANDED.items():
        query = f"select landing_rule, {', '.join(record)} from raw.{table}"
        assert shop.query(query) == [(None, *record.values())]


def test_the_streams_are_those_that_staging_and_the_mapping_read(terraform):
    files = labelled(terraform["data"])["airbyte_connector_configuration", "files"]
    streams = [stream["name"].strip('"') for stream in files["configuration"]["streams"]]
    assert streams == list(LANDED)
    contacts = [
        body["configurations"]["streams"][0]["name"].strip('"')
        for (kind, name), body in labelled(terraform["resource"]).items()
        if kind == "airbyte_connection" and name.startswith("hubspot")
    ]
    mapping = yaml.safe_load((PROJECT / "shops/hubspot_airbyte.yml").read_text())
    assert contacts == ["contacts", "contacts"]
    assert "{contacts}" in mapping["shop"]["customers"]["relation"]
