"""Values as programs write them: what staging makes of dates, amounts, ids and orders, on both targets."""

import json
import shutil

import duckdb
import pytest
from conftest import PROJECT, Shop
from test_snowflake import make_account

from tests.python.snowflake_emulator import Emulator

# What to_utc makes of a text, by the settings of the mapping; None is unreadable.
ISO = {
    "2026-03-01": "2026-03-01 00:00:00",
    "2026-3-1": "2026-03-01 00:00:00",
    " 2026-03-01\t": "2026-03-01 00:00:00",
    "2026-03-01 19:48": "2026-03-01 19:48:00",
    "2026-03-01T9:48:56": "2026-03-01 09:48:56",
    "2026-03-01 19:48:56": "2026-03-01 19:48:56",
    " 2026-03-01 19:48:56 ": "2026-03-01 19:48:56",
    "2026-03-01 19:48:56.": "2026-03-01 19:48:56",
    "2026-03-01 19:48:56.5": "2026-03-01 19:48:56.5",
    "2026-03-01 19:48:56,123456789": "2026-03-01 19:48:56.123456",
    "2026-03-01T19:48:56.123Z": "2026-03-01 19:48:56.123",
    "2026-03-01 19:48:56 UTC": "2026-03-01 19:48:56",
    "2026-03-01 19:48 GMT": "2026-03-01 19:48:00",
    "2026-03-01 19:48:56 -0500": "2026-03-02 00:48:56",
    "2026-03-01 19:48:56-05": "2026-03-02 00:48:56",
    "2026-03-01 19:48:56+02": "2026-03-01 17:48:56",
    "2026-03-01T19:48:56+0200": "2026-03-01 17:48:56",
    "2026-03-01T19:48:56.25+02:00": "2026-03-01 17:48:56.25",
    "2026-03-01 19:48:56 +05:30": "2026-03-01 14:18:56",
    "2026-03-01 00:15:00-03:30": "2026-03-01 03:45:00",
    "2026-2-9 23:30 -1000": "2026-02-10 09:30:00",
    "0001-01-01 00:00:00": "0001-01-01 00:00:00",
    "": None,
    "NULL": None,
    "infinity": None,
    "epoch": None,
    "20260301": None,
    "1772394536": None,
    "46082": None,
    "01-Mar-26": None,
    "01-MAR-2026": None,
    "03/01/2026": None,
    "2026/03/01": None,
    "2026/03/01 10:00:00": None,
    "01.03.2026": None,
    "2026-02-29": None,
    "2026-13-01": None,
    "0000-00-00 00:00:00": None,
    "2026-03-01 19": None,
    "2026-03-01 11:30 PM": None,
    "2026-03-01 24:00:00": None,
    "2026-03-01 19:60:00": None,
    "2026-03-01 19:48:60": None,
    "2026-03-01 19:48:56 CET": None,
    "2026-03-01 19:48:56 +2": None,
    "2026-03-01 19:48:56 +15:00": None,
    "2026-03-01Z": None,
    "2026-03-01 19:48:56 and more": None,
}
# A shop in Berlin, where 2026-03-29 has no 02:30 and 2026-10-25 has two.
LOCAL = {
    "2026-01-15": "2026-01-14 23:00:00",
    "2026-07-15 10:00": "2026-07-15 08:00:00",
    "2026-07-15 10:00:00.5": "2026-07-15 08:00:00.5",
    "2026-07-15 10:00:00Z": "2026-07-15 10:00:00",
    "2026-07-15 10:00:00 -0500": "2026-07-15 15:00:00",
    "2026-03-29 01:59:59": "2026-03-29 00:59:59",
    "2026-03-29 02:30:00": "2026-03-29 01:30:00",
    "2026-03-29 03:00:00": "2026-03-29 01:00:00",
    "2026-10-25 01:59:59": "2026-10-24 23:59:59",
    "2026-10-25 02:30:00": "2026-10-25 00:30:00",
    "2026-10-25 03:00:00": "2026-10-25 02:00:00",
    "2026-02-30": None,
}
# The same shop, whose table names its forms: %d.%m.%Y, %d.%m.%y %H:%M and %d %b %Y %I:%M:%S %p.
FORMATS = ["%d.%m.%Y", "%d.%m.%y %H:%M", "%d %b %Y %I:%M:%S %p"]
IN_FORMATS = {
    "31.12.2024": "2024-12-30 23:00:00",
    " 1.7.2024 ": "2024-06-30 22:00:00",
    "01.07.24 9:05": "2024-07-01 07:05:00",
    "01.07.68 09:05": "2068-07-01 07:05:00",
    "29.02.24 00:00": "2024-02-28 23:00:00",
    "1 Mar 2024 12:05:09 AM": "2024-02-29 23:05:09",
    "31 DEC 2024 03:00:00 pm": "2024-12-31 14:00:00",
    "2024-12-31T10:00:00Z": "2024-12-31 10:00:00",
    "2024-12-31": "2024-12-30 23:00:00",
    "31.02.2024": None,
    "12.31.2024": None,
    "31.12.24": None,
    "31.12.2024 10:00": None,
    "31/12/2024": None,
    "x31.12.2024": None,
}
AMOUNTS = {
    "": {"12.5": 12.5, " 12.50 ": 12.5, "1.000": 1, "1,5": None, "1,000": None, "$1": None, "-3": -3, "1000000000": None},
    ",": {
        "1.234,56": 1234.56, "1234,56": 1234.56, "1.234.567,8": 1234567.8, "1.000": 1000, "12": 12, "-0,5": -0.5,
        "1 234,56": 1234.56, "1'234,56": 1234.56, "1\u202f234,56": 1234.56, " 3,50 ": 3.5,
        "1234.56": None, "1.23,4": None, "1,234.56": None, "12.5": None, "3,50 EUR": None, "": None,
    },
    ".": {"1,234.56": 1234.56, "1234.56": 1234.56, "1,000": 1000, "1.234,56": None, "12,5": None},
}  # fmt: skip
IDS = {
    "17850.0": "17850", "17850.000": "17850", "-1.0": "-1", "17850": "17850", "00042": "00042", "00042.0": "00042",
    "10": "10", "0": "0", "a-10": "A-10", "v1.0": "V1.0", "1.10": "1.10", "1.5": "1.5", "10.10": "10.10",
    '="00042"': "00042", "'00042": "00042", "'00042'": "00042", "=\"17850.0\"": "17850", '=""': None,
    " c 1 ": "C 1", "\u00a0": None, "\uff23\uff11": "C1", "ann@example.com": "ANN@EXAMPLE.COM", "O'Hara": "O'HARA",
    'TV 32"': 'TV 32"', "#1001": "#1001", "gid://shop/Order/10": "GID://SHOP/ORDER/10", "": None,
}  # fmt: skip


def literal(value):
    """SQL of a text or number."""
    if value is None:
        return "null"
    return (
        "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
        if isinstance(value, str)
        else str(value)
    )


def wrong(cases, macro, kind):
    """Select the cases of which a macro makes something else than they say."""
    rows = " union all ".join(
        f"select {literal(text)} as raw_text, cast({literal(value)} as {kind}) as expected"
        for text, value in cases.items()
    )
    return f"select raw_text, cast({macro} as varchar) as found from ({rows}) as cases where {macro} is distinct from expected"


BERLIN = {
    "shop": {
        "time_zone": "Europe/Berlin",
        "orders": {"date_format": FORMATS, "decimal_mark": ","},
        "products": {"decimal_mark": "."},
    }
}
TABLES = [
    (None, [
        wrong(ISO, "{{ to_utc('raw_text', 'orders') }}", "timestamp"),
        wrong(AMOUNTS[""], "{{ to_amount('raw_text', 'orders') }}", "decimal(18, 4)"),
        wrong(IDS, "{{ clean_id('raw_text') }}", "varchar"),
    ]),
    (BERLIN, [
        wrong(LOCAL, "{{ to_utc('raw_text', 'returns') }}", "timestamp"),
        wrong(IN_FORMATS, "{{ to_utc('raw_text', 'orders') }}", "timestamp"),
        wrong(AMOUNTS[","], "{{ to_amount('raw_text', 'orders') }}", "decimal(18, 4)"),
        wrong(AMOUNTS["."], "{{ to_amount('raw_text', 'products') }}", "decimal(18, 4)"),
    ]),
]  # fmt: skip


def shown(result):
    """Rows that `dbt show` printed as JSON."""
    assert result.returncode == 0, result.stdout[-5000:]
    return json.loads(result.stdout[result.stdout.index("{") :])["show"]


def show(queries):
    """Arguments of `dbt show` for the rows of several queries."""
    return [
        "--quiet",
        "show",
        "--output",
        "json",
        "--limit",
        "500",
        "--inline",
        " union all ".join(queries),
    ]


@pytest.mark.parametrize(("shop_vars", "queries"), TABLES, ids=["plain", "berlin"])
def test_texts_are_read_alike_by_duckdb(make_shop, shop_vars, queries):
    assert shown(make_shop().dbt(*show(queries), shop_vars=shop_vars)) == []


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    """Start an emulated account without a shop."""
    with Emulator(tmp_path_factory.mktemp("values")) as emulator:
        yield emulator


@pytest.mark.parametrize(("shop_vars", "queries"), TABLES, ids=["plain", "berlin"])
def test_texts_are_read_alike_by_snowflake(emulator, tmp_path, shop_vars, queries):
    account = make_account(emulator, tmp_path, tmp_path, shop_vars=shop_vars)
    assert shown(account.dbt(*show(queries))) == []
