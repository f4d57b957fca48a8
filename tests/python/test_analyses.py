"""The questions in `analyses/`: each compiles, runs on the sample and answers plausibly."""

import re

import duckdb
import pandas as pd
import pytest

from conftest import PROJECT

# A list to write letters with is the one that needs names and addresses; its description says so.
WITH_PERSONAL_DATA = {"whom_to_contact_this_week"}
# Rows at least and at most, and a column that must be there.
ANSWERS = {
    "best_sellers": (10, 10, "unit_count_365"),
    "channels_whose_customers_stay": (2, 10, "repeat_percent"),
    "cohort_retention": (12, 60, "retention_percent_month_1"),
    "last_month_against_last_year": (8, 12, "percent_change_year"),
    "most_profitable_products": (10, 10, "margin"),
    # The sample has stock of all that sells.
    "out_of_stock_that_sells": (0, 158, "revenue_missed_per_month"),
    # All that the sample has too much of earns well.
    "products_to_drop": (0, 158, "stock_value"),
    "regulars_who_fell_silent": (1, 2000, "money_at_risk"),
    "revenue_by_segment": (3, 10, "revenue_percent"),
    "who_slipped_away_last_month": (1, 100, "usual_percent"),
    "whom_to_contact_this_week": (1, 100, "money_at_risk"),
}


@pytest.fixture(scope="module")
def answers(sample):
    """Answers of all analyses on the sample, as frames by name."""
    sample.succeed("compile", "--select", "resource_type:analysis")
    found = {}
    with duckdb.connect(str(sample.database), read_only=True) as connection:
        for path in sample.target().glob("compiled/clientele/analyses/*.sql"):
            found[path.stem] = connection.execute(path.read_text()).df()
    return found


def test_every_question_is_asked_and_answered(answers):
    assert answers.keys() == ANSWERS.keys() == {p.stem for p in PROJECT.glob("analyses/*.sql")}
    for name, (least, most, column) in ANSWERS.items():
        assert least <= len(answers[name]) <= most, (name, len(answers[name]))
        assert column in answers[name] and answers[name][column].notna().any() == bool(least), name


def test_answers_agree_with_the_marts(answers, sample):
    best = answers["best_sellers"]["unit_count_365"]
    assert best.is_monotonic_decreasing
    assert [(best.iloc[0],)] == sample.query(
        "select max(unit_count_365) from sales.product_performance"
    )
    margins = answers["most_profitable_products"]["margin"]
    assert margins.is_monotonic_decreasing
    assert [(pytest.approx(margins.iloc[0]),)] == [
        tuple(map(float, row))
        for row in sample.query("select max(margin) from sales.product_performance")
    ]
    channels = answers["channels_whose_customers_stay"]
    assert [(channels["customer_count"].sum(),)] == sample.query(
        "select count(*) from customers.customer_rfm"
    )
    assert channels["repeat_percent"].between(0, 100).all()
    silent = answers["regulars_who_fell_silent"]
    assert (silent["order_count"] >= 5).all() and silent["money_at_risk"].is_monotonic_decreasing
    assert (
        answers["last_month_against_last_year"]["month_date"].eq(pd.Timestamp("2025-06-01")).all()
    )


def test_who_is_written_to_is_of_the_audience_and_not_left_alone(answers, sample):
    contacts = answers["whom_to_contact_this_week"]
    assert contacts["money_at_risk"].is_monotonic_decreasing
    audience = sample.query(
        """
        select customer_id from customers.campaign_audience
        inner join customers.customer_360 using (customer_id)
        where campaign_group = 'treatment' and email is not null order by audience_rank limit 100
        """
    )
    assert contacts["customer_id"].tolist() == [customer for (customer,) in audience]


def test_answers_hold_no_personal_data(answers, sample):
    people = {
        value
        for row in sample.query("select customer_name, email from core.dim_customers")
        for value in row
        if value
    }
    for name in answers.keys() - WITH_PERSONAL_DATA:
        values = set(answers[name].astype(str).to_numpy().ravel())
        assert not values & people, name
        assert not [value for value in values if re.search(r"\S@\S+\.\w", value)], name
    assert set(answers["whom_to_contact_this_week"]["email"]) <= people
