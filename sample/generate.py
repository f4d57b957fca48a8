"""Generate a raw shop: orders, customers, products, inventory, returns and events.

The files have the formats and columns of the raw contract. They hold a simulated shop whose truth
is known, so that whoever predicts churn or value from them can be marked against it:

- Every buyer has a purchase rate (Gamma between buyers) and a drop-out probability (Beta between
  buyers): BG/NBD of Fader, Hardie and Lee (2005), "Counting your customers" the easy way,
  Marketing Science 24(2). The drop-out may follow the first order too, as in MBG/NBD of Batislam,
  Denizel and Filiztekin (2007), International Journal of Research in Marketing 24(3); otherwise
  every one-time buyer would be alive for ever.
- Season, weekday and hour are a change of time: orders are a Poisson process on an operational
  clock that runs fast when the shop is busy, and `Clock` translates it into the calendar.
- Buyers differ in favourite category and channel, basket, love of discounts, and browsing.

Bad rows are planted on top, as copies of real ones, and a few real rows are spelled oddly. Without
the planted rows, and once staging has cleaned identifiers, quantities and e-mails, the shop is
that of `--clean`.

With `--truth`, a folder `truth` beside the data holds

- `customers_truth.parquet`: customer_id, acquired_at (first order), purchase_rate (orders per
  operational day), dropout_probability (after each order), alive_until (the last order; null while
  alive), is_alive_at_end; one row per customer with an order, guests apart;
- `clock_truth.parquet`: date, operational_day (the clock at midnight), to a year beyond the end;
- `faults.csv`: entity, rule, key (as written in the file), copies (rows added); one row per planted
  row, or per row planted as duplicate.

With `--anomalies`, frauds and abusive returns are planted, and `truth/anomalies.csv` names them:
entity (`order`, `customer`, `product`), id and kind; one row per entity. The kinds are

- `new_customer`: the first order of a customer is a basket of dear things, several of each;
- `bulk`: a line of an ordinary customer holds dozens of units;
- `burst`: a customer orders four to seven times within two hours, as with a stolen card;
- `takeover`: a customer orders three to five times within two days, each time to another address;
- `returner`: a customer sends back 55 to 95 % of what they buy;
- `faulty_product`: 30 to 55 % of the sales of a product come back.

From these, the true probability of no order within the H days from the midnight that opens day t
is 1 for a customer with alive_until < t. For any other with acquired_at < t it is

    1 - (1 - c) / q * (1 - exp(-q * m)),  m = purchase_rate * (clock(t + H) - clock(t)),

where c is the share of cancelled orders (`CANCELLED`), which do not count but may be the last, and
q = 1 - c + c * dropout_probability is the chance that an order counts or ends the relation.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np

Rows = dict[str, np.ndarray]

START = np.datetime64("2023-01-01", "s")
DAY = 86_400
LINES_PER_CUSTOMER = 12.5  # measured; turns --lines into customers
BLOCK = 50_000  # customers simulated at once: bounds the memory

# Buyers. Rates are per day; the other numbers are shares unless named otherwise.
RATE_SHAPE, RATE_MEAN = 0.9, 0.0265
DROPOUT_A, DROPOUT_B = 0.7, 4.5
CUSTOMER_GROWTH = 0.8  # acquisitions per day grow by this share over the whole period
GUESTS_PER_CUSTOMER = 0.09
PROSPECTS = 0.02  # registered, never bought
ABSENT_CUSTOMERS, ABSENT_PRODUCTS = 0.005, 0.01  # named by orders, missing from the master
DEAL_LOVERS = 0.2
FADING_DAYS = 60  # before the drop-out, over which browsing fades
CANCELLED = 0.02
FRAUDS = 0.0015  # incidents per order, of one to seven orders each
RETURNERS, FAULTY_PRODUCTS = 0.01, 0.04  # of the customers with 8 lines, the products with 40
FAVOURITE_CATEGORY, FAVOURITE_CHANNEL, COMPANION = 0.6, 0.8, 0.25
CHANNELS = ["web", "app", "store", "marketplace"]
STATUSES = ["completed", "shipped", "cancelled"]
TIERS = ["bronze", "silver", "gold", "platinum"]
REASONS = ["wrong size", "damaged", "not as described", "changed mind", "arrived late"]
EVENT_TYPES = ["view", "add_to_cart", "search", "email_open"]

# Category: weight, median price in cents, return rate, things sold.
CATEGORIES = {
    "Home & Kitchen": (0.24, 2400, 0.04, ["Kettle", "Pan", "Lamp", "Cushion"]),
    "Clothing": (0.22, 3200, 0.11, ["Jacket", "Shirt", "Scarf", "Jeans"]),
    "Electronics": (0.14, 8900, 0.06, ["Headphones", "Charger", "Speaker", "Webcam"]),
    "Beauty": (0.14, 1500, 0.02, ["Soap", "Cream", "Perfume", "Brush"]),
    "Books": (0.10, 1400, 0.02, ["Atlas", "Novel", "Cookbook", "Diary"]),
    "Toys": (0.09, 1900, 0.03, ["Puzzle", "Kite", "Train", "Doll"]),
    "Garden": (0.07, 2800, 0.03, ["Hose", "Planter", "Shears", "Lantern"]),
}
BRANDS = ["Alder", "Bjørk", "Café Nord", "Dune", "Éclat", "Fjell", "Grove", "O'Hara & Sons"]

# Country: first names, last names, cities with postcode, streets.
COUNTRIES = {
    "Germany": (
        ["Anna", "Jürgen", "Lena", "Björn"],
        ["Müller", "Schäfer", "Groß", "Weber"],
        ["10115 Berlin", "80331 München", "50667 Köln"],
        ["Gartenstraße", "Am Bühl", "Lindenallee"],
    ),
    "France": (
        ["Chloé", "Théo", "Inès", "Marc"],
        ["Lefèvre", "Dubois", "d'Arcy", "Noël"],
        ["75002 Paris", "69001 Lyon", "13001 Marseille"],
        ["Rue de l'Église", "Allée des Tilleuls", "Quai Sud"],
    ),
    "Spain": (
        ["Lucía", "José", "Begoña", "Íñigo"],
        ["García", "Núñez", "Ibáñez", "Vidal"],
        ["28001 Madrid", "08001 Barcelona", "15001 A Coruña"],
        ["Calle Mayor", "Paseo del Río", "Plaza España"],
    ),
    "United Kingdom": (
        ["Amelia", "Oliver", "Siân", "Hamish"],
        ["O'Neill", "Smith-Jones", "Hughes", "Patel"],
        ["M1 1AE Manchester", "BS1 4DJ Bristol", "EH1 1YZ Edinburgh"],
        ["High Street", "St. Mary's Road", "Mill Lane"],
    ),
    "Poland": (
        ["Zofia", "Łukasz", "Małgorzata", "Paweł"],
        ["Wójcik", "Kowalski", "Dąbrowska", "Żak"],
        ["00-001 Warszawa", "31-001 Kraków", "90-001 Łódź"],
        ["ul. Długa", "ul. Słoneczna", "al. Róż"],
    ),
    "Japan": (
        ["陽菜", "Haruto", "結衣", "Sora"],
        ["佐藤", "Suzuki", "田中", "Itō"],
        ["100-0001 Tokyo", "530-0001 Osaka", "600-8001 京都"],
        ["中央", "Sakura-dori", "本町"],
    ),
}


VOCABULARY = {
    "channels": CHANNELS,
    "statuses": STATUSES,
    "tiers": TIERS,
    "reasons": REASONS,
    "event_types": EVENT_TYPES,
    "brands": BRANDS,
    "categories": list(CATEGORIES),
    "things": [thing for *_, things in CATEGORIES.values() for thing in things],
    "countries": list(COUNTRIES),
    "first_names": [name for names, _, _, _ in COUNTRIES.values() for name in names],
    "last_names": [name for _, names, _, _ in COUNTRIES.values() for name in names],
    "towns": [town for _, _, towns, _ in COUNTRIES.values() for town in towns],
    "streets": [street for _, _, _, streets in COUNTRIES.values() for street in streets],
}


def pick(words: str, index: str) -> str:
    """Return SQL for an entry, counted from 0, of a list of the vocabulary."""
    return f"getvariable('{words}')[{index} + 1]"


def money(cents: str) -> str:
    """Return SQL that turns cents into money."""
    return f"({cents} / 100)::decimal(18, 2)"


def latin(text: str) -> str:
    """Return SQL for the plain lower-case letters of a name, null if it has none."""
    return f"nullif(regexp_replace(lower(strip_accents({text})), '[^a-z]', '', 'g'), '')"


def full_width(column: str) -> str:
    """Return SQL for an identifier in full-width characters, as East Asian keyboards type them."""
    return f"translate({column}, 'CO0123456789', 'ＣＯ０１２３４５６７８９')"


def either(column: str, *values: str) -> list[dict[str, str]]:
    """Return variants that replace the value of one column."""
    return [{column: value} for value in values]


# A buyer's name and address are digits of one random number, the persona.
COUNTRY = f"persona % {len(COUNTRIES)}"
FIRST_NAME = pick("first_names", f"{COUNTRY} * 4 + persona // 10 % 4")
LAST_NAME = pick("last_names", f"{COUNTRY} * 4 + persona // 100 % 4")
TOWN = pick("towns", f"{COUNTRY} * 3 + persona // 1000 % 3")
STREET = pick("streets", f"{COUNTRY} * 3 + persona // 10000 % 3")
ADDRESS = f"""case persona // 100000 % 20
        when 0 then '"Villa ' || {LAST_NAME} || '", '
        when 1 then 'c/o ' || {LAST_NAME} || chr(10)
        else ''
    end || {STREET} || ' ' || persona // 10000000 % 150 + 1 || ', ' || {TOWN}"""
CUSTOMER_ID = "case when customer > 0 then printf('C%06d', customer) end"
PRODUCT_ID = "printf('%05d', product)"
CHANNEL = pick("channels", "channel")

KEEPS_KEY = ("duplicate", "superseded")
BAD_TIMES = ("'not a date'", "'2024-02-30 10:00:00'")
BAD_QUANTITIES = ("'two'", "'1.5'", "'0'", "'-3'", "null")
FUTURE = ("'2099-01-01 00:00:00'", "'2204-05-06 07:08:09'")
MISSING = ("null", "' '")


@dataclass(frozen=True)
class Table:
    """One file of the raw contract, and what can be wrong with it.

    Attributes
    ----------
    file : str
        Name of the file; its ending decides the format.
    columns : dict of str to str
        Column of the raw contract to its SQL over the simulated rows.
    identity : str
        SQL over `columns` that identifies a row.
    fresh : tuple of str
        Column, and the start of the value, that tells a planted row from every real one.
    share : float
        Planted rows per rule and real row.
    faults : dict of str to list of dict
        Rule to its variants; a variant maps columns to the SQL of their faulty value, and an empty
        one leaves the columns alone.
    spellings : tuple of dict
        Variants that staging normalises away; they alter real rows in place.
    """

    file: str
    columns: dict[str, str]
    identity: str
    fresh: tuple[str, str]
    share: float
    faults: dict[str, list[dict[str, str]]]
    spellings: tuple[dict[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Name in the raw contract."""
        return self.file.partition(".")[0]

    @property
    def changes(self) -> list[tuple[str, dict[str, str]]]:
        """Rule and variant behind each code of a row; code 0 leaves a row alone."""
        faults = [(rule, variant) for rule, variants in self.faults.items() for variant in variants]
        return [("", {}), *faults, *(("", spelling) for spelling in self.spellings)]


ORDERS = Table(
    file="orders.csv",
    columns={
        "order_id": "printf('O%07d', order_number)",
        "customer_id": CUSTOMER_ID,
        "product_id": PRODUCT_ID,
        "quantity": "quantity::varchar",
        "order_date": "ordered_at::varchar",
        "shipping_address": f"case when {CHANNEL} <> 'store' then {ADDRESS} end",
        "unit_price": f"{money('case when is_priced then unit_cents end')}::varchar",
        "discount_amount": f"{money('nullif(discount_cents, 0)')}::varchar",
        "order_status": pick("statuses", "status"),
        "channel": CHANNEL,
        "order_line_id": "line_number::varchar",
        "updated_at": "null::varchar",
    },
    identity="order_id",
    fresh=("order_id", "OX"),
    share=0.0008,
    faults={
        "duplicate": [{}],
        "missing_order_id": either("order_id", *MISSING),
        "missing_product_id": either("product_id", *MISSING),
        "invalid_quantity": either("quantity", *BAD_QUANTITIES),
        "invalid_order_date": either("order_date", *BAD_TIMES, "null"),
        "order_date_before_1990": either("order_date", "'1970-01-01 00:00:00'", "'1900-01-01'"),
        "future_date": either("order_date", *FUTURE),
        "invalid_unit_price": either("unit_price", "'-9.99'", "'free'"),
        "invalid_discount_amount": either("discount_amount", "'-1.00'", "'ten percent'"),
        # Sent once more, unchanged: the first version gives way.
        "superseded": either("updated_at", "(order_date::timestamp + interval 1 day)::varchar"),
    },
    spellings=(
        {"customer_id": "'  ' || customer_id || ' '"},
        {"customer_id": "lower(customer_id)"},
        {"customer_id": full_width("customer_id")},
        {"product_id": "' ' || product_id || '  '"},
        {"product_id": full_width("product_id")},
        {"order_id": "lower(order_id)"},
        {"quantity": "quantity || '.0'"},
    ),
)
CUSTOMERS = Table(
    file="customers.json",
    columns={
        "customer_id": CUSTOMER_ID,
        "name": f"{FIRST_NAME} || ' ' || {LAST_NAME}",
        "email": f"""case when persona // 7 % 30 > 0 then
            concat_ws('.', {latin(FIRST_NAME)}, {latin(LAST_NAME)}, customer)
            || case when customer % 3 = 0 then '@example.org' else '@example.com' end end""",
        "city": f"regexp_extract({TOWN}, '[^ ]+$')",
        "country": pick("countries", COUNTRY),
        "registration_date": "registered_at::date::varchar",
        "loyalty_tier": pick("tiers", "tier"),
    },
    identity="customer_id",
    fresh=("customer_id", "CX"),
    share=0.005,
    faults={
        "duplicate": [{}],
        "malformed_row": [{}],
        "missing_customer_id": either("customer_id", *MISSING),
        "invalid_registration_date": either("registration_date", "'2024-02-30'", "'last spring'"),
        "superseded": [
            {"registration_date": "(registration_date::date - 40)::varchar", "loyalty_tier": "null"}
        ],
    },
    spellings=({"email": "upper(email)"}, {"email": "' ' || email || '  '"}),
)
PRODUCTS = Table(
    file="products.parquet",
    columns={
        "product_id": PRODUCT_ID,
        "name": f"{pick('brands', 'brand')} || ' ' || {pick('things', 'thing')} || ' ' || product",
        "category": pick("categories", "category"),
        "brand": pick("brands", "brand"),
        "price": money("price_cents"),
        "cost": money("cost_cents"),
    },
    identity="product_id",
    fresh=("product_id", "X"),
    share=0.03,
    faults={
        "duplicate": [{}],
        "missing_product_id": either("product_id", *MISSING),
        "invalid_price": either("price", "-price"),
        "invalid_cost": either("cost", "-cost"),
        "superseded": [
            {"brand": "null", "price": "(price - 0.10)::decimal(18, 2)", "cost": "null"}
        ],
    },
)
INVENTORY = Table(
    file="inventory.csv",
    columns={
        "product_id": PRODUCT_ID,
        "warehouse_id": "printf('W%02d', warehouse + 1)",
        "stock_quantity": "stock::varchar",
        "last_updated": "updated_at::varchar",
    },
    identity="concat_ws('|', product_id, warehouse_id)",
    fresh=("product_id", "X"),
    share=0.01,
    faults={
        "duplicate": [{}],
        "missing_product_id": either("product_id", *MISSING),
        "missing_warehouse_id": either("warehouse_id", *MISSING),
        "invalid_stock_quantity": either("stock_quantity", "'-5'", "'plenty'"),
        "invalid_last_updated": either("last_updated", *BAD_TIMES),
        "superseded": [
            {
                "stock_quantity": "(stock_quantity::int + 7)::varchar",
                "last_updated": "(last_updated::timestamp - interval 30 days)::varchar",
            }
        ],
    },
)
RETURNS = Table(
    file="returns.csv",
    columns={
        "return_id": "printf('R%06d', return_number)",
        "order_id": "case when has_order then printf('O%07d', order_number) end",
        "customer_id": CUSTOMER_ID,
        "product_id": PRODUCT_ID,
        "quantity": "quantity::varchar",
        "return_date": "returned_at::varchar",
        "reason": pick("reasons", "reason"),
    },
    identity="return_id",
    fresh=("return_id", "RX"),
    share=0.01,
    faults={
        "duplicate": [{}],
        "missing_return_id": either("return_id", *MISSING),
        "missing_product_id": either("product_id", *MISSING),
        "invalid_quantity": either("quantity", *BAD_QUANTITIES),
        "invalid_return_date": either("return_date", *BAD_TIMES, "null"),
        "future_date": either("return_date", *FUTURE),
        "superseded": [
            {"return_date": "(return_date::timestamp - interval 1 day)::varchar", "reason": "null"}
        ],
    },
)
EVENTS = Table(
    file="events.csv",
    columns={
        "event_id": "printf('E%07d', event_number)",
        "customer_id": CUSTOMER_ID,
        "session_id": "printf('S%06d', session_number)",
        "event_type": pick("event_types", "event_type"),
        "event_at": "event_at::varchar",
    },
    identity="event_id",
    fresh=("event_id", "EX"),
    share=0.001,
    faults={
        "duplicate": [{}],
        "missing_event_id": either("event_id", *MISSING),
        "missing_event_type": either("event_type", *MISSING),
        "invalid_event_at": either("event_at", *BAD_TIMES, "null"),
        "future_date": either("event_at", *FUTURE),
        "superseded": [{"event_at": "(event_at::timestamp - interval 1 hour)::varchar"}],
    },
)
TABLES = (ORDERS, CUSTOMERS, PRODUCTS, INVENTORY, RETURNS, EVENTS)


@dataclass(frozen=True)
class Clock:
    """Calendar and operational time: purchases come evenly on the second, in season on the first.

    Attributes
    ----------
    seconds, operational : ndarray, shape (hours + 1,)
        Seconds since `START`, and operational days, at every full hour.
    end : float
        Operational day at which the simulation stops.
    """

    seconds: np.ndarray
    operational: np.ndarray
    end: float

    def calendar(self, operational: np.ndarray) -> np.ndarray:
        """Return the timestamps, in whole seconds, of operational days."""
        seconds = np.interp(operational, self.operational, self.seconds)
        return START + seconds.astype("timedelta64[s]")


def make_clock(end: np.datetime64) -> Clock:
    """Return the clock from `START` to a year beyond `end`; a year is 365 days on both scales."""
    seconds = np.arange(0, (end - START).astype(int) + 366 * DAY + 1, 3600)
    day = seconds[:-1] // DAY
    day_of_year = day % 365.25

    def peak(height: float, middle: int, width: int) -> np.ndarray:
        return height * np.exp(-(((day_of_year - middle) / width) ** 2) / 2)

    year = 0.88 + peak(0.95, 331, 11) + peak(0.75, 348, 7) - peak(0.2, 205, 25)
    week = np.array([1.1, 0.95, 0.9, 0.9, 0.95, 1.05, 1.15])[day % 7]  # from Sunday
    hour = np.array([1, 0, 0, 0, 0, 1, 2, 3, 5, 6, 7, 7, 8, 7, 6, 6, 6, 7, 8, 10, 11, 9, 6, 3])
    pace = year * week * hour[seconds[:-1] // 3600 % 24]
    operational = np.append(0, np.cumsum(pace)) / pace[: 365 * 24].sum() * 365
    return Clock(seconds, operational, np.interp((end - START).astype(int), seconds, operational))


def simulate_catalogue(
    rng: np.random.Generator, customers: int, months: int
) -> tuple[Rows, np.ndarray]:
    """Return the products, sorted by category, and their prices.

    Returns
    -------
    catalogue : Rows
        `popularity` is the share of the lines that all products up to this one have, `companion`
        the row of a product often bought with this one.
    cents : ndarray of int, shape (products, months)
        The price of every product in every month.
    """
    weight, median, returned, _ = zip(*CATEGORIES.values(), strict=True)
    size = round(160 * max(0.5, (customers / 2000) ** 0.5))
    category = np.repeat(np.arange(len(weight)), np.rint(np.array(weight) * size).astype(int))
    size = category.size
    popularity = 1 / (rng.permutation(size) + 10)
    popularity *= (np.array(weight) / np.bincount(category, popularity))[category]
    is_changed = rng.random((size, months)) < 0.12
    change = np.where(is_changed, rng.normal(0.03, 0.06, (size, months)), 0).clip(-0.2, 0.2)
    price = np.array(median)[category] * rng.lognormal(0, 0.5, size)
    cents = np.rint(price[:, None] * np.exp(np.cumsum(change, axis=1)) / 50).astype(int) * 50 - 1
    catalogue = {
        "product": rng.permutation(size) + 1,
        "category": category,
        "thing": category * 4 + rng.integers(4, size=size),
        "brand": rng.integers(len(BRANDS), size=size),
        "popularity": np.cumsum(popularity),
        "return_rate": np.array(returned)[category],
        "companion": rng.permutation(size),
        "price_cents": cents[:, -1],
        "cost_cents": np.rint(cents[:, 0] * rng.uniform(0.4, 0.7, size)).astype(int),
        "is_listed": rng.permutation(size) >= np.ceil(ABSENT_PRODUCTS * size),
    }
    return catalogue, cents


def simulate_inventory(
    rng: np.random.Generator, catalogue: Rows, customers: int, end: np.datetime64
) -> Rows:
    """Return the stock of every product and warehouse; some of it low or gone."""
    share = np.diff(catalogue["popularity"], prepend=0)
    demand = share * customers * LINES_PER_CUSTOMER / ((end - START).astype(int) / DAY)
    product = np.repeat(np.arange(share.size), 3)
    state = rng.choice([0, 0.1, 1], product.size, p=[0.05, 0.12, 0.83])
    cover = 100 * rng.lognormal(0, 0.6, product.size)
    age = rng.integers(1, 3 * DAY, product.size)
    return {
        "product": catalogue["product"][product],
        "warehouse": np.tile(np.arange(3), share.size),
        "stock": np.ceil(demand[product] / 3 * cover * state).astype(int),
        "updated_at": end - age.astype("timedelta64[s]"),
    }


def simulate_buyers(
    rng: np.random.Generator, first: int, count: int, total: int, clock: Clock
) -> Rows:
    """Return the customers from number `first` on, in order of acquisition, then some guests.

    A guest has the customer number 0 and one order. `lifetime` is the number of orders up to
    drop-out, `acquired` the operational day of the first.
    """
    guests = round(count * GUESTS_PER_CUSTOMER)
    size = count + guests
    number = np.append(np.arange(first, first + count), np.zeros(guests, int))
    turn = np.append(np.arange(count), rng.integers(count, size=guests)) + rng.random(size)
    share = (first - 1 + turn) / total  # of all customers, acquired so far
    growth = CUSTOMER_GROWTH
    dropout = rng.beta(DROPOUT_A, DROPOUT_B, size).clip(1e-6)
    lifetime = rng.geometric(dropout)
    lifetime[rng.random(size) < PROSPECTS] = 0
    lifetime[number == 0] = 1
    rate = rng.gamma(RATE_SHAPE, RATE_MEAN / RATE_SHAPE, size)
    basket = rng.lognormal(-0.1, 0.6, size)
    spending = rate * (1 + basket) / RATE_MEAN * rng.lognormal(0, 0.5, size)
    tier = np.digitize(spending, [1.5, 4.0, 9.0])
    acquired = clock.end * (np.sqrt(1 + growth * (2 + growth) * share) - 1) / growth
    acquired_at = clock.calendar(acquired)
    lead = rng.exponential(3 * DAY, size).astype("timedelta64[s]")
    return {
        "customer": number,
        "acquired": acquired,
        "acquired_at": acquired_at,
        "registered_at": acquired_at - lead,
        "rate": rate,
        "dropout": dropout,
        "lifetime": lifetime,
        "basket": basket,
        "tier": np.where(rng.random(size) < 0.08, -1, tier),
        "deals": np.where(rng.random(size) < DEAL_LOVERS, 0.65, 0.08),
        "favourite": rng.choice(
            len(CATEGORIES), size, p=[weight for weight, *_ in CATEGORIES.values()]
        ),
        "channel": rng.choice(len(CHANNELS), size, p=[0.5, 0.25, 0.15, 0.1]),
        "persona": rng.integers(2**40, size=size),
        "is_listed": rng.random(size) >= ABSENT_CUSTOMERS,
    }


def simulate_orders(
    rng: np.random.Generator, buyers: Rows, clock: Clock, end: np.datetime64
) -> tuple[Rows, np.ndarray]:
    """Return the orders by time, and each buyer's operational day of drop-out (infinite if alive).

    Given their number, the repeat orders of a Poisson process are uniform over the rest of the
    period; the drop-out cuts the sequence after `lifetime` orders.
    """
    acquired, lifetime = buyers["acquired"], buyers["lifetime"]
    left = clock.end - acquired
    planned = 1 + rng.poisson(buyers["rate"] * left)
    buyer = np.repeat(np.arange(planned.size), planned)
    first = np.cumsum(planned) - planned
    day = acquired[buyer] + rng.random(buyer.size) * left[buyer]
    day[first] = acquired
    day = day[np.lexsort((day, buyer))]
    last = day[first + lifetime.clip(1, planned) - 1]
    dropped_out = np.where(lifetime <= planned, last, np.inf)

    happens = np.arange(buyer.size) - first[buyer] < lifetime[buyer]
    buyer, day = buyer[happens], day[happens]
    by_time = np.argsort(day, kind="stable")
    buyer, ordered_at = buyer[by_time], clock.calendar(day[by_time])
    size = buyer.size
    is_recent = ordered_at > end - np.timedelta64(5, "D")
    own = rng.random(size) < FAVOURITE_CHANNEL
    percent = 5 * rng.integers(1, 7, size)
    return {
        "buyer": buyer,
        "ordered_at": ordered_at,
        "status": np.where(rng.random(size) < CANCELLED, 2, is_recent),
        "channel": np.where(own, buyers["channel"][buyer], rng.integers(len(CHANNELS), size=size)),
        "percent": np.where(rng.random(size) < buyers["deals"][buyer], percent, 0),
    }, dropped_out


def simulate_lines(
    rng: np.random.Generator, orders: Rows, buyers: Rows, catalogue: Rows, cents: np.ndarray
) -> Rows:
    """Return the order lines: products by favourite category and companion, prices and discounts.

    Products differ within an order, but for a few that stand on two lines of different quantity.
    """
    size = 1 + np.minimum(rng.poisson(buyers["basket"][orders["buyer"]]), 5)
    order = np.repeat(np.arange(size.size), size)
    buyer = orders["buyer"][order]
    # A category is a stretch of the cumulative popularity: a draw within it is one of its products.
    share = np.append(0, np.cumsum([weight for weight, *_ in CATEGORIES.values()]))
    is_favourite = rng.random(order.size) < FAVOURITE_CATEGORY
    favourite, low = buyers["favourite"][buyer], rng.random(order.size)
    within = share[favourite] + low * (share[favourite + 1] - share[favourite])
    draw = np.where(is_favourite, within, low)
    item = np.searchsorted(catalogue["popularity"], draw).clip(0, len(cents) - 1)
    first = (np.cumsum(size) - size)[order]
    is_companion = (rng.random(order.size) < COMPANION) & (np.arange(order.size) > first)
    item = np.where(is_companion, catalogue["companion"][item[first]], item)

    line = np.sort(np.unique(order * len(cents) + item, return_index=True)[1])
    line = np.repeat(line, 1 + (rng.random(line.size) < 0.003))
    is_second = np.diff(line, prepend=-1) == 0
    quantity = 1 + rng.poisson(0.25, order.size)[line] + is_second
    order, item = order[line], item[line]
    is_first = np.diff(order, prepend=-1) > 0
    number = np.arange(order.size) - np.flatnonzero(is_first)[np.cumsum(is_first) - 1] + 1
    month = orders["ordered_at"][order].astype("datetime64[M]") - START.astype("datetime64[M]")
    unit_cents = cents[item, month.astype(int)]
    percent = orders["percent"][order]
    return {
        "order": order,
        "line_number": number,
        "customer": buyers["customer"][orders["buyer"][order]],
        "persona": buyers["persona"][orders["buyer"][order]],
        "item": item,
        "product": catalogue["product"][item],
        "quantity": quantity,
        "ordered_at": orders["ordered_at"][order],
        "unit_cents": unit_cents,
        "discount_cents": quantity * unit_cents * percent // 100,
        "is_priced": rng.random(order.size) >= 0.01,
        "status": orders["status"][order],
        "channel": orders["channel"][order],
    }


def plant_frauds(
    rng: np.random.Generator,
    orders: Rows,
    buyers: Rows,
    lines: Rows,
    catalogue: Rows,
    cents: np.ndarray,
) -> tuple[Rows, list[tuple[str, str]]]:
    """Return the lines with frauds among them, and the order number and kind of each fraud.

    Each incident copies an order that is not cancelled, of a customer with an id; what it adds to
    the shop comes last, under new order numbers.
    """
    count = orders["buyer"].size
    first_number = lines["order_number"].min()
    known = (buyers["customer"][orders["buyer"]] > 0) & (orders["status"] < 2)
    is_first = np.zeros(count, bool)
    is_first[np.unique(orders["buyer"], return_index=True)[1]] = True
    each = max(2, round(FRAUDS * count / 4))
    chosen_new = rng.choice(np.flatnonzero(known & is_first), each, replace=False)
    later = rng.choice(np.flatnonzero(known & ~is_first), 3 * each, replace=False)
    lines = {name: column.copy() for name, column in lines.items()}
    dear = np.flatnonzero(cents[:, -1] >= np.quantile(cents[:, -1], 0.9))
    frauds = []

    def rows_of(order: int) -> np.ndarray:
        return np.flatnonzero(lines["order"] == order)

    for order in chosen_new:
        rows = rows_of(order)
        lines["item"][rows] = rng.choice(dear, rows.size)
        lines["product"][rows] = catalogue["product"][lines["item"][rows]]
        lines["unit_cents"][rows] = cents[lines["item"][rows], -1]
        lines["quantity"][rows] = rng.integers(4, 13, rows.size)
        lines["discount_cents"][rows] = 0
        frauds.append((order, "new_customer"))
    for order in later[:each]:
        rows = rows_of(order)[:1]
        lines["quantity"][rows] = rng.integers(15, 61)
        lines["discount_cents"][rows] = 0
        frauds.append((order, "bulk"))

    added, next_order = [], count
    for place, order in enumerate(later[each:]):
        kind = "burst" if place < each else "takeover"
        fewest, span = (4, 7200) if kind == "burst" else (3, 2 * DAY)
        copies = rng.integers(fewest, 2 * fewest) - 1
        rows = rows_of(order)
        frauds.append((order, kind))
        for offset in np.sort(rng.integers(300, span, copies)):
            copy = {name: column[rows].copy() for name, column in lines.items()}
            copy["ordered_at"] += np.timedelta64(int(offset), "s")
            copy["order"][:] = next_order
            copy["order_number"][:] = first_number + next_order
            frauds.append((next_order, kind))
            added.append(copy)
            next_order += 1
        if kind == "takeover":
            lines["persona"][rows] = rng.integers(2**40)
            lines["channel"][rows] = 0
            for copy in added[-copies:]:
                copy["persona"][:] = rng.integers(2**40)
                copy["channel"][:] = 0
    whole = {
        name: np.concatenate([column, *(copy[name] for copy in added)])
        for name, column in lines.items()
    }
    return whole, [(f"O{first_number + order:07d}", kind) for order, kind in frauds]


def abusive_rates(
    rng: np.random.Generator, lines: Rows, catalogue: Rows
) -> tuple[np.ndarray, list[tuple[str, str, str]]]:
    """Return the chance of each line to come back, and the entities for which it is abnormal."""
    rate = catalogue["return_rate"][lines["item"]]
    truth = []
    bought = np.bincount(lines["customer"])
    bought[0] = 0
    sold = np.bincount(lines["product"])
    planted = (
        ("product", "faulty_product", "{:05d}", sold >= 40, FAULTY_PRODUCTS, (0.3, 0.55)),
        ("customer", "returner", "C{:06d}", bought >= 8, RETURNERS, (0.55, 0.95)),
    )
    for entity, kind, form, is_eligible, share, bounds in planted:
        eligible = np.flatnonzero(is_eligible)
        for number in rng.choice(eligible, max(2, round(share * eligible.size)), replace=False):
            rate = np.where(lines[entity] == number, rng.uniform(*bounds), rate)
            truth.append((entity, form.format(number), kind))
    return rate, truth


def simulate_returns(
    rng: np.random.Generator, lines: Rows, rate: np.ndarray, end: np.datetime64
) -> Rows:
    """Return the returns, by time, of completed lines; a few have lost their order.

    `rate` is the chance of each line to come back.
    """
    wait = (rng.gamma(3, 4 * DAY, lines["order"].size) + DAY).astype("timedelta64[s]")
    is_returned = rng.random(lines["order"].size) < rate
    line = np.flatnonzero(is_returned & (lines["status"] == 0) & (lines["ordered_at"] + wait < end))
    returned_at = (lines["ordered_at"] + wait)[line]
    by_time = np.argsort(returned_at, kind="stable")
    line, returned_at = line[by_time], returned_at[by_time]
    return {
        "order_number": lines["order_number"][line],
        "has_order": rng.random(line.size) >= 0.04,
        "customer": lines["customer"][line],
        "product": lines["product"][line],
        "quantity": rng.integers(1, lines["quantity"][line] + 1),
        "returned_at": returned_at,
        "reason": rng.integers(-1, len(REASONS), line.size),
    }


def simulate_events(
    rng: np.random.Generator,
    buyers: Rows,
    dropped_out: np.ndarray,
    clock: Clock,
    end: np.datetime64,
) -> Rows:
    """Return the events of sessions, by time: ever fewer before the drop-out, few after it."""
    left = clock.end - buyers["acquired"]
    sessions = rng.poisson(0.08 * np.sqrt(buyers["rate"]) * left)
    sessions[buyers["customer"] == 0] = 0
    buyer = np.repeat(np.arange(sessions.size), sessions)
    day = buyers["acquired"][buyer] + rng.random(buyer.size) * left[buyer]
    ahead = dropped_out[buyer] - day
    activity = np.where(ahead < 0, 0.06, np.clip(ahead / FADING_DAYS, 0.1, 1))
    kept = rng.random(buyer.size) < activity
    by_time = np.argsort(day[kept], kind="stable")
    buyer, day, ahead = (column[kept][by_time] for column in (buyer, day, ahead))

    size = np.where(ahead < 0, 1, rng.integers(1, 5, buyer.size))
    session = np.repeat(np.arange(buyer.size), size)
    first = np.cumsum(size) - size
    gap = np.cumsum(rng.integers(5, 240, session.size))
    event_at = clock.calendar(day)[session] + (gap - gap[first][session]).astype("timedelta64[s]")
    event_type = rng.choice(len(EVENT_TYPES), session.size, p=[0.6, 0.15, 0.15, 0.1])
    event_type[(ahead < 0)[session]] = EVENT_TYPES.index("email_open")
    is_known = rng.random(buyer.size) >= 0.05
    within = np.flatnonzero(event_at < end)
    within = within[np.argsort(event_at[within], kind="stable")]
    return {
        "customer": (buyers["customer"][buyer] * is_known)[session][within],
        "session": session[within],
        "event_type": event_type[within],
        "event_at": event_at[within],
    }


def plant(rng: np.random.Generator, size: int, table: Table) -> tuple[np.ndarray, ...]:
    """Return the rows of a block of a file, in order, as copies of its `size` real rows.

    Every planted row copies a real row of its own, and stands at a random position.

    Returns
    -------
    source, change, planted : ndarray of int, shape (rows of the file,)
        The real row; the code of its change in `table.changes`; 0 for a real row, else the number
        of the planted one, which the copies of one duplicate share.
    """
    rules = np.array([rule for rule, _ in table.changes])
    code = np.repeat(np.arange(1, rules.size), planted_per_change(size, table))[:size]
    chosen = rng.choice(size, code.size, replace=False)
    is_fault = rules[code] != ""
    change = np.zeros(size, int)
    change[chosen[~is_fault]] = code[~is_fault]

    code, chosen = code[is_fault], chosen[is_fault]
    number = np.arange(1, code.size + 1)
    copies = np.where((rules[code] == "duplicate") & (number % 3 == 0), 2, 1)
    position = np.append(np.arange(size), rng.uniform(-1, size, copies.sum()))
    order = np.argsort(position, kind="stable")
    return (
        np.append(np.arange(size), np.repeat(chosen, copies))[order],
        np.append(change, np.repeat(code, copies))[order],
        np.append(np.zeros(size, int), np.repeat(number, copies))[order],
    )


def planted_per_change(size: int, table: Table) -> list[int]:
    """Return how many rows get each change, at least one, in a block of `size` real rows."""
    variants = [len(table.faults.get(rule, table.spellings)) for rule, _ in table.changes[1:]]
    return [max(1, round(table.share * size / count)) for count in variants]


def text_query(table: Table) -> str:
    """Return SQL that turns the registered `rows` into the columns of the raw contract."""
    selected = []
    for column in table.columns:
        cases = [
            f"when change = {code} then {variant[column]}"
            for code, (_, variant) in enumerate(table.changes)
            if column in variant
        ]
        if column == table.fresh[0]:
            keeps = ", ".join(f"'{rule}'" for rule in KEEPS_KEY)
            fresh = f"'{table.fresh[1]}' || printf('%07d', planted)"
            cases.append(f"when planted > 0 and rule not in ({keeps}) then {fresh}")
        changed = f"case {' '.join(cases)} else {column} end as {column}" if cases else column
        selected.append(changed)
    real = ", ".join(f"{sql} as {column}" for column, sql in table.columns.items())
    rules = [rule for rule, _ in table.changes]
    return f"""
        select rule, planted, {", ".join(selected)}
        from (select change, planted, ({rules})[change + 1] as rule, {real} from rows)
    """


def write(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    rows: Rows,
    folder: Path,
    block: int,
    dirt: np.random.Generator | None,
) -> None:
    """Append a block of rows to the table's file; with `dirt`, plant faults and note them."""
    size = next(iter(rows.values())).size
    if dirt:
        source, change, planted = plant(dirt, size, table)
        planted = np.where(planted, planted + block * BLOCK, 0)
        rows = {name: column[source] for name, column in rows.items()}
    else:
        change = planted = np.zeros(size, int)
    con.register("rows", rows | {"change": change, "planted": planted})
    text = text_query(table)
    con.execute(
        f"""insert into faults
        select '{table.name}', rule, {table.identity}, count(*) from ({text})
        where planted > 0 group by planted, 2, 3 order by planted"""
    )
    path, part = folder / table.file, folder / f"{table.file}.part"
    columns = ", ".join(table.columns)
    if path.suffix == ".parquet":
        con.sql(f"select {columns} from ({text})").write_parquet(str(path))
        return
    if path.suffix == ".json":
        fields = ", ".join(f"'{column}': {column}" for column in table.columns)
        line = f"to_json({{{fields}}})::varchar"
        con.sql(
            f"""select case rule when 'malformed_row' then left({line}, 60) else {line} end
            from ({text})"""
        ).write_csv(str(part), header=False, sep="\x01", quotechar="", escapechar="")
    else:
        con.sql(f"select {columns} from ({text})").write_csv(str(part), header=block == 0)
    with path.open("ab" if block else "wb") as whole, part.open("rb") as piece:
        shutil.copyfileobj(piece, whole)
    part.unlink()


def keep(rows: Rows, mask: np.ndarray) -> Rows:
    """Return the rows where a mask is true."""
    return {name: column[mask] for name, column in rows.items()}


def note_truth(con: duckdb.DuckDBPyConnection, customers: Rows, clock: Clock) -> None:
    """Add the customers with an order to the table of the truth."""
    customers = keep(customers, customers["lifetime"] > 0)
    is_alive = np.isinf(customers["dropped_out"])
    alive_until = clock.calendar(np.where(is_alive, 0, customers["dropped_out"]))
    con.register("rows", customers | {"is_alive": is_alive, "alive_until": alive_until})
    con.execute(
        f"""insert into customers_truth
        select
            {CUSTOMER_ID}, acquired_at, rate, dropout,
            case when not is_alive then alive_until end, is_alive
        from rows"""
    )


def write_truth(con: duckdb.DuckDBPyConnection, clock: Clock, folder: Path) -> None:
    """Write what the simulation knows and the files of the raw contract do not say."""
    folder.mkdir(exist_ok=True)
    midnight = {
        "date": START + clock.seconds[::24].astype("timedelta64[s]"),
        "operational_day": clock.operational[::24],
    }
    con.register("midnight", midnight)
    con.sql("select date::date as date, operational_day from midnight").write_parquet(
        str(folder / "clock_truth.parquet")
    )
    con.table("customers_truth").write_parquet(str(folder / "customers_truth.parquet"))
    con.table("faults").write_csv(str(folder / "faults.csv"))


def generate(
    out: Path,
    customers: int = 2_000,
    months: int = 30,
    seed: int = 7,
    clean: bool = False,
    truth: bool = False,
    anomalies: bool = False,
) -> None:
    """Write a shop into the folder `out`; equal arguments write equal bytes.

    Parameters
    ----------
    out : Path
        Folder, made if it is missing; files of the same name are replaced.
    customers : int
        Customers, apart from guests; about `LINES_PER_CUSTOMER` order lines come of each.
    months : int
        Length of the shop's life from `START`.
    seed : int
        Seed of everything; the planted faults draw from a stream of their own.
    clean, truth : bool
        Plant no faults; write the folder `truth` too.
    anomalies : bool
        Plant frauds and abusive returns, and write which they are; other orders stay, returns and
        events are drawn anew.
    """
    out.mkdir(parents=True, exist_ok=True)
    end = (START.astype("datetime64[M]") + months).astype("datetime64[s]")
    clock = make_clock(end)
    con = duckdb.connect()
    con.execute("create table faults (entity text, rule text, key text, copies bigint)")
    con.execute("create table anomalies (entity text, id text, kind text)")
    con.execute(
        """create table customers_truth (
            customer_id text, acquired_at timestamp, purchase_rate double,
            dropout_probability double, alive_until timestamp, is_alive_at_end boolean)"""
    )
    for name, words in VOCABULARY.items():
        con.execute(f"set variable {name} = $1", [words])

    def stream(purpose: int, block: int = 0) -> np.random.Generator:
        return np.random.default_rng([seed, purpose, block])

    def save(table: Table, rows: Rows, block: int = 0) -> None:
        dirt = None if clean else stream(2 + TABLES.index(table), block)
        write(con, table, rows, out, block, dirt)

    catalogue, cents = simulate_catalogue(stream(0), customers, months)
    save(PRODUCTS, keep(catalogue, catalogue["is_listed"]))
    save(INVENTORY, simulate_inventory(stream(0, 1), catalogue, customers, end))

    done = {"order": 0, "return": 0, "session": 0, "event": 0}
    bounds = np.linspace(0, customers, -(-customers // BLOCK) + 1).astype(int)
    for block, (first, last) in enumerate(pairwise(bounds)):
        rng = stream(1, block)
        buyers = simulate_buyers(rng, first + 1, last - first, customers, clock)
        orders, dropped_out = simulate_orders(rng, buyers, clock, end)
        lines = simulate_lines(rng, orders, buyers, catalogue, cents)
        lines["order_number"] = done["order"] + 1 + lines["order"]
        rate = catalogue["return_rate"][lines["item"]]
        if anomalies:
            draw = stream(100, block)
            lines, frauds = plant_frauds(draw, orders, buyers, lines, catalogue, cents)
            rate, abusive = abusive_rates(draw, lines, catalogue)
            known = [*(("order", *fraud) for fraud in frauds), *abusive]
            con.executemany("insert into anomalies values (?, ?, ?)", known)
        returns = simulate_returns(rng, lines, rate, end)
        returns["return_number"] = done["return"] + 1 + np.arange(returns["product"].size)
        events = simulate_events(rng, buyers, dropped_out, clock, end)
        events["session_number"] = done["session"] + 1 + events["session"]
        events["event_number"] = done["event"] + 1 + np.arange(events["session"].size)

        is_customer = buyers["customer"] > 0
        save(ORDERS, lines, block)
        save(CUSTOMERS, keep(buyers, is_customer & buyers["is_listed"]), block)
        save(RETURNS, returns, block)
        save(EVENTS, events, block)
        note_truth(con, keep(buyers | {"dropped_out": dropped_out}, is_customer), clock)
        done["order"] += lines["order"].max(initial=-1) + 1
        done["return"] += returns["product"].size
        done["session"] += events["session"].max(initial=-1) + 1
        done["event"] += events["session"].size
        if customers > BLOCK:
            print(f"{last:,} of {customers:,} customers", file=sys.stderr)
    if truth:
        write_truth(con, clock, out / "truth")
    if anomalies:
        (out / "truth").mkdir(exist_ok=True)
        con.table("anomalies").write_csv(str(out / "truth" / "anomalies.csv"))


def positive(text: str) -> int:
    """Return a whole number above 0 from the command line."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def main() -> None:
    """Read the command line and generate."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--customers", type=positive, default=2_000, help="number of customers")
    size.add_argument("--lines", type=positive, help="number of order lines, about, instead")
    parser.add_argument("--months", type=positive, default=30, help="months from January 2023")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--clean", action="store_true", help="plant no faults")
    parser.add_argument("--truth", action="store_true", help="write the truth beside the data")
    parser.add_argument("--anomalies", action="store_true", help="plant frauds and abusive returns")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write")
    arguments = vars(parser.parse_args())
    lines = arguments.pop("lines")
    if lines:
        arguments["customers"] = max(1, round(lines / LINES_PER_CUSTOMER))
    generate(**arguments)


if __name__ == "__main__":
    main()
