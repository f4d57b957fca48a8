"""Who asks to be forgotten is found nowhere any more, also where the raw files still name them."""

import json

from conftest import WITHOUT_TRAINING

MODELS = [*WITHOUT_TRAINING, "--exclude-resource-type", "test"]
SOLD = """
    select sum(line_revenue), count(*), count(distinct order_id) from core.fct_order_lines
    where not is_cancelled
    """


def relations_that_hold(shop, text):
    """Names of all built relations with a value that holds a text."""
    names = shop.query(
        "select table_schema || '.' || table_name from information_schema.tables "
        "where table_schema != 'raw' and table_name != 'forgotten_customers' order by 1"
    )
    return [
        name
        for (name,) in names
        if shop.query(f"select 1 from {name} as rows where rows::varchar ilike '%{text}%' limit 1")
    ]


def test_a_forgotten_customer_is_found_nowhere_and_their_sales_stay(make_shop):
    shop = make_shop()
    lines = (shop.raw / "customers.json").read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if "C001062" in line)
    # A name that nobody else has.
    forgotten = json.loads(lines[place]) | {"name": "Ulrika Unverwechselbar"}
    lines[place] = json.dumps(forgotten)
    # An older record of the same customer is rejected, and holds their name as well.
    lines.append(json.dumps(forgotten | {"registration_date": "2022-01-01", "city": "Aldorf"}))
    (shop.raw / "customers.json").write_text("\n".join(lines) + "\n")
    shop.build(*MODELS)
    sold = shop.query(SOLD)
    texts = ["C001062", forgotten["name"], forgotten["email"], "Aldorf"]
    assert all(relations_that_hold(shop, text) for text in texts)
    said = shop.dbt("run-operation", "forget_customer", "--args", "{customer_id: C001062}").stdout
    assert "Forgotten: C001062. Erased from" in said
    assert "core.customers_history" in said.replace('"', "")
    shop.build(*MODELS, "--full-refresh")
    assert {text: relations_that_hold(shop, text) for text in texts} == dict.fromkeys(texts, [])
    assert shop.query(SOLD) == sold
    assert "no customer C001062 in" in shop.dbt(
        "run-operation", "forget_customer", "--args", "{customer_id: C001062}"
    ).stdout.replace("There is ", "")


def test_only_a_shop_that_was_built_can_forget(make_shop):
    shop = make_shop()
    result = shop.dbt("run-operation", "forget_customer", "--args", "{customer_id: C000001}")
    assert result.returncode != 0
    assert "No shop was built in this target yet: run `dbt build` first." in result.stdout
