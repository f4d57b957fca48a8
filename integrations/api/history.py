"""A customer's features from their order history: macros/scoring/customer_snapshot.sql for one."""

import math
from collections import defaultdict
from datetime import date
from typing import NamedTuple


class Day(NamedTuple):
    """A day of a customer, as `features.int_customer_days` has it; money in hundredths."""

    activity_date: date
    order_count: int
    revenue: int
    discount: int
    refund: int
    product_count: int
    new_category_count: int
    return_count: int
    event_count: int


def days_of(orders):
    """Days of a stranger, of whom no categories and events are known.

    Parameters
    ----------
    orders : iterable of Order

    Returns
    -------
    list of Day
    """
    by_date = defaultdict(list)
    for order in orders:
        by_date[order.order_date].append(order)
    days = []
    for day, of_day in by_date.items():
        money = [
            sum(round(getattr(order, name) * 100) for order in of_day)
            for name in ("revenue", "discount", "refund")
        ]
        products = sum(order.product_count for order in of_day)
        days.append(Day(day, len(of_day), *money, products, 0, int(money[2] > 0), 0))
    return days


def features_of(days, as_of_date, horizon, history_days, has_events):
    """Columns of `features.int_customer_snapshots` that models read.

    Parameters
    ----------
    days : list of Day
        One customer's, in any order, all before as_of_date; one or more with an order.
    as_of_date : date
    horizon : int
        The var `churn_horizon_days`.
    history_days : int
        Since the shop's first order.
    has_events : bool
        Whether the shop knows events.

    Returns
    -------
    dict
        None where unknown.
    """
    aged = sorted(((as_of_date - day.activity_date).days, day) for day in days)
    orders = [(age, day) for age, day in aged if day.order_count > 0]
    ages = [age for age, _ in orders]
    values = [day.revenue / 100 for _, day in orders]
    gaps = [older - newer for newer, older in zip(ages, ages[1:], strict=False)]
    recency, tenure, order_days = ages[0], ages[-1], len(orders)
    monetary = sum(day.revenue for _, day in aged) / 100
    discount = sum(day.discount for _, day in aged) / 100
    mean_value = monetary / order_days
    sd_value = deviation(values, sum(day.revenue**2 for _, day in aged) / 10_000, monetary)
    mean_gap = sum(gaps) / len(gaps) if gaps else None
    sd_gap = deviation(gaps, float(sum(gap * gap for gap in gaps)), float(sum(gaps)))
    longer = sum(gap > recency for gap in gaps)
    due = sum(recency < gap <= recency + horizon for gap in gaps)
    order_rate = order_days / (tenure + 30)

    def ordered(most, beyond=-1):
        return sum(beyond < age <= most for age in ages)

    def spent(most):
        return sum(day.revenue for age, day in aged if age <= most) / 100

    def events(most):
        return sum(day.event_count for age, day in aged if age <= most) if has_events else None

    frequency = sum(day.order_count for _, day in aged)
    return {
        "is_eligible": recency <= 365,
        "recency_days": recency,
        "tenure_days": tenure,
        "frequency": frequency,
        "monetary": monetary,
        "net_monetary": sum(day.revenue - day.refund for _, day in aged) / 100,
        "average_order_value": monetary / frequency,
        "order_days": order_days,
        "mean_value": mean_value,
        "sd_value": sd_value,
        "max_value": max(values),
        "last_value": values[0],
        "last_over_mean": ratio(values[0], mean_value),
        "mean_gap": mean_gap,
        "sd_gap": sd_gap,
        "max_gap": max(gaps, default=None),
        "last_gap": gaps[0] if gaps else None,
        "recency_over_gap": ratio(recency, mean_gap),
        "recency_gap_z": ratio(recency - mean_gap, sd_gap) if gaps else None,
        "recency_over_max_gap": ratio(recency, max(gaps, default=None)),
        "gap_variation": ratio(sd_gap, mean_gap),
        "gap_survival": ratio(longer, len(gaps)),
        "gap_hazard": (due + 0.5) / (longer + 1),
        "orders_14": ordered(14),
        "orders_30": ordered(30),
        "orders_30_60": ordered(60, beyond=30),
        "orders_90": ordered(90),
        "orders_180": ordered(180),
        "orders_365": ordered(365),
        "value_90": spent(90),
        "value_365": spent(365),
        "breadth": sum(day.product_count for _, day in aged) / order_days,
        "last_product_count": orders[0][1].product_count,
        "category_count": sum(day.new_category_count for _, day in aged),
        "discount_share": ratio(discount, discount + monetary),
        "return_days": sum(day.return_count > 0 for _, day in aged),
        "return_days_90": sum(day.return_count > 0 and age <= 90 for age, day in aged),
        "one_time_buyer": int(order_days == 1),
        "order_rate": order_rate,
        "no_order_chance": math.exp(-horizon * order_rate),
        "orders_last_year": (
            ordered(365, beyond=max(365 - horizon, 0)) if history_days >= 365 else None
        ),
        "events_30": events(30),
        "events_90": events(90),
        "days_since_event": min((age for age, day in aged if day.event_count > 0), default=None),
    }


def ratio(above, below):
    """Divide; None where one of the two is unknown or there is nothing to divide by."""
    return above / below if above is not None and below else None


def deviation(values, squares, total):
    """Take a sample's standard deviation from sums of squares and values."""
    if len(values) < 2:
        return None
    # Equal values differ by nothing; the formula would leave a rounding error.
    if min(values) == max(values):
        return 0.0
    return math.sqrt(max(squares - total * total / len(values), 0) / (len(values) - 1))
