"""Shops whose customers behave as a simple rule says: for tests of the models.

Each customer buys at intervals of a gamma distribution and stops after an order with a chance of
their own; shops differ in who comes when, and in what brings them back.
"""

import numpy as np
import pandas as pd

DAYS = 1095
FIRST_DAY = pd.Timestamp("2021-01-01")


def arrivals(draw, count, growth):
    """Draw first days of customers of a shop that grows by a factor a year, or shrinks below 1."""
    slope = np.log(growth) / 365
    u = draw.uniform(size=count)
    if abs(slope) < 1e-9:
        return u * DAYS
    return np.log1p(u * np.expm1(slope * DAYS)) / slope


def regular_days(draw, first, rate=1 / 45, leave=(1.0, 6.0)):
    """Days of a customer's orders: exponential gaps of an own rate until they leave."""
    rate = draw.gamma(1.2, rate / 1.2)
    chance = draw.beta(*leave)
    days, day = [], first
    while day < DAYS:
        days.append(day)
        if draw.uniform() < chance:
            break
        day += draw.exponential(1 / max(rate, 1e-4))
    return days


def growing(draw, count):
    """Three times as many new customers every year."""
    return [regular_days(draw, first) for first in arrivals(draw, count, 3)]


def shrinking(draw, count):
    """Every year a third of the last one's new customers."""
    return [regular_days(draw, first) for first in arrivals(draw, count, 1 / 3)]


def yearly(draw, count):
    """Return customers who come back about a year later, if at all; twice as many every year."""
    orders = []
    for first in arrivals(draw, count, 2):
        days, day = [], first
        while day < DAYS:
            days.append(day)
            if draw.uniform() < 0.35:
                break
            day += draw.normal(365, 25) if draw.uniform() < 0.9 else draw.uniform(5, 60)
        orders.append(days)
    return orders


def one_time(draw, count):
    """Three of a hundred customers come a second time, on any day."""
    orders = []
    for first in arrivals(draw, count, 1.5):
        days = [first]
        if draw.uniform() < 0.03:
            days.append(first + draw.uniform(1, 400))
        orders.append([day for day in days if day < DAYS])
    return orders


def subscribers(draw, count):
    """Billed on the first of each month until they cancel."""
    bills = (pd.date_range(FIRST_DAY, periods=36, freq="MS") - FIRST_DAY).days.to_numpy()
    orders = []
    for first in arrivals(draw, count, 1.3):
        months = draw.geometric(draw.beta(1.5, 20))
        orders.append(list(bills[bills >= first][:months]))
    return [days for days in orders if days]


def one_sale(draw, count):
    """Return a shop with a month, half a year before the end, that brings as many as two others."""
    firsts = arrivals(draw, count, 1)
    firsts[: count // 20] = draw.uniform(DAYS - 200, DAYS - 170, count // 20)
    orders = []
    for number, first in enumerate(firsts):
        days = regular_days(draw, first) if number >= count // 20 else [first]
        if first < DAYS - 200 and draw.uniform() < 0.2:
            days.append(draw.uniform(DAYS - 200, DAYS - 170))
        orders.append(days)
    return orders


SHOPS = {
    "growing": growing,
    "shrinking": shrinking,
    "yearly": yearly,
    "one_time": one_time,
    "subscribers": subscribers,
    "one_sale": one_sale,
}


def simulated_orders(name, customers=2500, seed=1):
    """Orders of a shop, one line each.

    Parameters
    ----------
    name : str
        One of SHOPS.
    customers, seed : int

    Returns
    -------
    DataFrame
        order_id, customer_id, product_id, quantity, order_date, unit_price.
    """
    draw = np.random.default_rng([seed, list(SHOPS).index(name)])
    days = SHOPS[name](draw, customers)
    rows = pd.DataFrame(
        [(who, int(day)) for who, of_customer in enumerate(days) for day in of_customer],
        columns=["who", "day"],
    )
    rows = rows[rows["day"].between(0, DAYS - 1)].sort_values(["day", "who"], ignore_index=True)
    taste = draw.lognormal(3.3, 0.5, customers)
    price = taste[rows["who"]] * draw.lognormal(0, 0.4, len(rows))
    return pd.DataFrame(
        {
            "order_id": np.arange(1, len(rows) + 1),
            "customer_id": "c" + rows["who"].astype(str),
            "product_id": "p" + (rows.index % 7).astype(str),
            "quantity": 1,
            "order_date": (FIRST_DAY + pd.to_timedelta(rows["day"], "D")).dt.strftime("%Y-%m-%d"),
            "unit_price": price.round(2),
        }
    )
