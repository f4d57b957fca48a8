"""Raw files full of what nobody would think of: every record is accounted for.

`CLIENTELE_FUZZ_EXAMPLES=200 pytest -n0 tests/python/test_fuzz.py` looks for longer.
"""

import json
import os
import re
import shutil

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conftest import Shop

EXAMPLES = int(os.environ.get("CLIENTELE_FUZZ_EXAMPLES", "2"))
# What comes before the marts, the facts, and the tests that count every raw row.
BUILD = ["--select", "path:models/staging", "+path:models/marts/core"]
BUILD += ["+every_raw_row_is_accounted_for", "+every_rejection_is_explained"]
BUILD += ["--indirect-selection", "cautious", "--exclude", "tag:error_alarm"]
COLUMNS = {
    "orders": "order_id customer_id product_id quantity order_date unit_price discount_amount"
    " line_total order_status shipping_address order_line_id updated_at currency channel",
    "products": "product_id name category brand price cost",
    "inventory": "product_id warehouse_id stock_quantity last_updated",
    "returns": "return_id order_id customer_id product_id quantity return_date reason"
    " refund_amount",
    "events": "event_id customer_id session_id event_type event_at",
    "campaign_contacts": "customer_id contacted_at campaign group",
    "api_predictions": "predicted_at customer_id churn_probability score_status model_version"
    " as_of_date",
}
USUAL = {
    "order_id": ["O1", "O2", "O3"],
    "customer_id": ["C1", "C2", ""],
    "product_id": ["P1", "P2"],
    "quantity": ["1", "2"],
    "order_date": ["2024-01-01", "2024-03-05T10:00:00Z"],
    "unit_price": ["9.99", ""],
    "price": ["5"],
    "stock_quantity": ["3"],
    "warehouse_id": ["W1"],
    "return_id": ["R1", "R2"],
    "return_date": ["2024-04-01"],
    "event_id": ["E1", "E2"],
    "event_at": ["2024-02-01T10:00:00"],
    "event_type": ["view"],
    "contacted_at": ["2024-02-01"],
    "campaign": ["spring"],
    "group": ["treatment", "control"],
}
NUMBERS = re.findall(
    r"\S+",
    """
    NaN nan inf -inf Infinity 1e400 1e-400 1e308 -1e308 99999999999999999999 0x10 0b1 1,5 1.234,56
    1.234.567,8 1,234.5 ١٢ ½ ² --1 1- (5) 5€ $5 -0.00 1_000 +3 .5 5. 1e5 1E+2 0003 -2147483649
    9223372036854775808 170141183460469231731687303715884105728 1e18 1e17 99999999999999999.99
    0.00000000001 1e38 1e37 TRUE 12%
    """,
)
TIMES = re.findall(
    r"\S+",
    """
    2024-02-30 0000-00-00 0001-01-01 9999-12-31 10000-01-01 -4713-01-01 294247-01-10 1/2/2024
    13/13/2024 2024-01-01T25:00:00 2024-01-01T00:00:00+99:00 2024-01-01T00:00:60 2024-01-01T24:00:00
    2024-01-01T10:00:00+14:00 1704067200 1704067200000 1704067200000000 1e9 infinity -infinity epoch
    now today yesterday tomorrow 2024-W01-1 20240101 20241301 2024-001 2024-1-1 24-01-01
    2024-01-01T00:00:00.123456789Z 2024-01 2024 45292 45292.5
    """,
)
TEXTS = [
    "", " ", "NULL", "None", "n/a", "0", "-", "'", "\"", "'; drop table orders; --",
    "{{ 1 / 0 }}", "{% raw %}", "=cmd|' /C calc'!A0", "+1", "@SUM(1)", "\u202e", "\ufeff",
    "\u00a0", "\u200b", "\u0000", "\u001f", "\\", "\\N", "\n", "a\r\nb", "a,b", "a;b", "a\tb",
    "\U0001f600", "e\u0301", "\u00df", "\u01c5", "\u0130", "x" * 5000, "1.0", "1e3", "true",
    "${HOME}", "Jan 5, 2024", "5 Jan 2024", "2024-01-01 10:00:00 Europe/Berlin",
    "2024-01-01 10:00 PM", "%", "_", "$$", "/*", "-- x", ";",
]  # fmt: skip
# A carriage return alone ends a line, in quotes too: its record is malformed, and in two pieces.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=8)
HOSTILE = st.one_of(
    st.sampled_from(NUMBERS), st.sampled_from(TIMES), st.sampled_from(TEXTS), ANY_TEXT
)


def cells(column):
    """Strategy of a column's values: mostly usual ones, so that rules behind others are met."""
    usual = st.sampled_from(USUAL.get(column, ["", "thing"]))
    return st.one_of(usual, usual, HOSTILE)


@st.composite
def tables(draw, table):
    """Strategy of a table: a list of its columns, some left out or added, and its rows."""
    columns = COLUMNS[table].split()
    extra = draw(st.sampled_from([[], ["Extra column"], ["x'y", 'z"']]))
    rows = draw(
        st.lists(
            st.fixed_dictionaries({name: cells(name) for name in columns + extra}), max_size=40
        )
    )
    return columns + extra, rows


def written(columns, rows):
    """Write rows as CSV: every value as it is, in quotes where it could be taken for the format."""
    records = [columns, *([row[name] for name in columns] for row in rows)]
    return "".join(
        ",".join(
            '"' + value.replace('"', '""') + '"' if re.search('[,"\r\n]', value) else value
            for value in record
        )
        + "\n"
        for record in records
    )


JSON_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**25), 10**25),
        st.floats(allow_nan=False, allow_infinity=False),
        HOSTILE,
    ),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
CUSTOMERS = st.lists(
    st.fixed_dictionaries(
        {"customer_id": st.one_of(st.sampled_from(["C1", "C2", 7]), JSON_VALUES)},
        optional={
            name: JSON_VALUES
            for name in ("name", "email", "city", "country", "registration_date", "loyalty_tier")
        },
    ),
    min_size=1,
    max_size=30,
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    """Make a folder that every example builds its shop in."""
    return Shop(
        tmp_path_factory.mktemp("fuzz") / "raw", tmp_path_factory.mktemp("fuzz") / "shop.duckdb"
    )


@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    # A build takes seconds; the example is small enough to be read as it is.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.fixed_dictionaries({table: tables(table) for table in COLUMNS}), CUSTOMERS)
def test_every_record_is_accounted_for(fuzzed, shop_tables, customers):
    shutil.rmtree(fuzzed.raw, ignore_errors=True)
    fuzzed.raw.mkdir()
    fuzzed.database.unlink(missing_ok=True)
    for table, (columns, rows) in shop_tables.items():
        (fuzzed.raw / f"{table}.csv").write_text(written(columns, rows), newline="")
    (fuzzed.raw / "customers.json").write_text("\n".join(map(json.dumps, customers)) + "\n")
    built = fuzzed.dbt("build", "--exclude-resource-type", "unit_test", *BUILD)
    assert built.returncode == 0, built.stdout[-6000:]
    counts = dict(
        fuzzed.query("select entity, sum(row_count) from staging.raw_row_counts group by 1")
    )
    expected = {table: len(rows) for table, (_, rows) in shop_tables.items()}
    expected["customers"] = len(customers)
    assert {table: int(counts.get(table, 0)) for table in expected} == expected
    # What was accepted is a number of this world.
    [(wrong,)] = fuzzed.query(
        "select count(*) from core.fct_order_lines where not isfinite(cast(line_revenue as double))"
        " or not isfinite(order_date) or quantity <= 0 or order_date > current_date + 1"
    )
    assert wrong == 0
