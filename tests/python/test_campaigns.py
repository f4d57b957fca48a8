"""Campaigns: whom to write to, and what it did, on campaigns whose uplift is known."""

import numpy as np
import pandas as pd
import pytest

CAMPAIGNS, CUSTOMERS = 100, 200
UPLIFT = {"one_off": 0.1, "regular": 0.1}
DIVERSE = {"one_off": 0.0, "regular": 0.5}


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory):
    """Draw a shop in which every campaign has customers of its own, half of them left alone.

    Half of the customers came once, half five times; who is left alone orders again with chance
    0.2, who is contacted with as much more as UPLIFT says, or DIVERSE in every tenth campaign.
    """
    from conftest import SAMPLE, Shop

    raw = tmp_path_factory.mktemp("campaigns")
    for name in ("products.parquet", "inventory.csv"):
        (raw / name).write_bytes((SAMPLE / name).read_bytes())
    draw = np.random.default_rng(11)
    contacts, orders, contacted_at = [], [], pd.Timestamp("2024-06-01 09:00")
    for campaign in range(CAMPAIGNS):
        effect = DIVERSE if campaign % 10 == 0 else UPLIFT
        for number in range(CUSTOMERS):
            customer = f"C{campaign}-{number}"
            kind = "regular" if number % 2 else "one_off"
            group = draw.choice(["treatment", "control"])
            contacts.append((customer, contacted_at, f"campaign {campaign}", group))
            days = draw.uniform(1, 300, 5 if kind == "regular" else 1)
            if draw.random() < 0.2 + (effect[kind] if group == "treatment" else 0):
                days = [*days, -draw.uniform(0.1, 29)]
            orders += [(customer, contacted_at - pd.Timedelta(days=day)) for day in days]
    orders = pd.DataFrame(orders, columns=["customer_id", "order_date"])
    orders = orders.assign(
        order_id=[f"O{n}" for n in range(len(orders))],
        product_id="00001",
        quantity=1,
        unit_price=10,
        order_date=orders["order_date"].dt.strftime("%Y-%m-%dT%H:%M:%S"),
    )
    # The clock goes on beyond the days that count.
    orders.loc[len(orders)] = ["LATE", "2024-07-15T09:00:00", "LAST", "00001", 1, 10]
    orders.to_csv(raw / "orders.csv", index=False)
    names = ["customer_id", "contacted_at", "campaign", "group"]
    pd.DataFrame(contacts, columns=names).to_csv(raw / "campaign_contacts.csv", index=False)
    (raw / "customers.json").write_text('{"customer_id": "LATE"}\n')
    shop = Shop(raw, raw / "shop.duckdb")
    return shop.build("--select", "+campaign_results", "--exclude-resource-type", "test")


def test_intervals_hold_the_uplift_that_was_drawn(campaigns):
    rows = campaigns.query(
        """
        select cast(split_part(campaign, ' ', 2) as integer), uplift_low, uplift_high
        from customers.campaign_results where segment = 'All'
        """
    )
    held = [
        low <= np.mean(list((DIVERSE if number % 10 == 0 else UPLIFT).values())) <= high
        for number, low, high in rows
    ]
    assert len(held) == CAMPAIGNS
    assert sum(held) >= 90
    # Not because they hold everything.
    assert np.mean([high - low for _, low, high in rows]) < 0.3


def test_only_segments_that_respond_differently_are_said_to(campaigns):
    rows = campaigns.query(
        """
        select cast(split_part(campaign, ' ', 2) as integer) % 10 = 0,
            avg(case when segments_differ_chance < 0.05 then 1 else 0 end)
        from customers.campaign_results where segment = 'All' group by 1
        """
    )
    told = dict(rows)
    assert told[True] >= 0.8
    assert told[False] <= 0.12


def test_a_tenth_of_the_sample_is_left_alone(sample):
    """The sample asks nobody whether they accept marketing, so everybody may be written to."""
    [(controls, everybody, at_risk)] = sample.query(
        """
        select count(case when campaign_group = 'control' then 1 end), count(*),
            (select count(*) from customers.customer_360
             where money_at_risk > 1 and lifecycle_stage in ('at_risk', 'cooling'))
        from customers.campaign_audience
        """
    )
    assert everybody == at_risk > 300
    assert 0.05 < controls / everybody < 0.15


def test_whoever_is_looked_at_because_they_may_leave_has_reasons_for_leaving(sample):
    said = {
        band: [reason for reasons in rows for reason in reasons if reason]
        for band in ("high", "medium", "low")
        if (
            rows := sample.query(
                "select reason_1, reason_2, reason_3 from customers.customer_churn"
                f" where risk_band = '{band}'"
            )
        )
    }
    for band, reasons in said.items():
        speak_for_leaving = sum("customers who leave" in reason for reason in reasons)
        speak_for_staying = sum("customers who stay" in reason for reason in reasons)
        if band == "low":
            assert speak_for_leaving == 0 < speak_for_staying
        else:
            assert speak_for_staying == 0 < speak_for_leaving
    assert said.keys() == {"high", "medium", "low"}


def test_no_offer_of_the_audience_is_likely_to_run_out(sample):
    """Each has other products to be offered; some would have been offered one that runs out."""
    ((running_out, nameless, favourites),) = sample.query(
        """
        with likely as (
            select product_id from inventory.stockout_forecast where stockout_chance_14 >= 0.5
        )
        select
            count(*) filter (recommended_product_id in (from likely)),
            count(recommended_product_id) - count(recommended_product_name),
            (select count(*) from sales.product_recommendations
             where rank = 1 and list = 'buy_again' and product_id in (from likely))
        from customers.campaign_audience
        """
    )
    assert running_out == nameless == 0 < favourites
