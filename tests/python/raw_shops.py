"""Small raw shops as vendors' programs write them, with their quirks, and what is right of them.

Each `make_*` writes files into a folder by a seed; each `read_*` says revenue, net revenue, orders,
customers and sales by day from those files alone: pandas, no mapping, no model.
"""

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import pandas as pd


def header(line):
    """Return the columns of a file's first line."""
    return line.split(",")


CENT = Decimal("0.01")
SHOPIFY_ORDER_COLUMNS = header(
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,"
    "Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,"
    "Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,"
    "Lineitem taxable,Lineitem fulfillment status,Billing Name,Billing Street,"
    "Billing Address1,Billing Address2,Billing Company,Billing City,Billing Zip,"
    "Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,"
    "Shipping Address1,Shipping Address2,Shipping Company,Shipping City,Shipping Zip,"
    "Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,"
    "Payment Method,Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,"
    "Location,Device ID,Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,"
    "Tax 1 Value,Phone,Receipt Number"
)
SHOPIFY_CUSTOMER_COLUMNS = header(
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,"
    "Default Address Company,Default Address Address1,Default Address Address2,"
    "Default Address City,Default Address Province Code,Default Address Country Code,"
    "Default Address Zip,Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,"
    "Total Orders,Note,Tax Exempt,Tags"
)
SHOPIFY_PRODUCT_COLUMNS = header(
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,"
    "Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,Variant SKU,"
    "Variant Grams,Variant Inventory Tracker,Variant Inventory Policy,"
    "Variant Fulfillment Service,Variant Price,Variant Compare At Price,"
    "Variant Requires Shipping,Variant Taxable,Variant Barcode,Image Src,Image Position,"
    "Image Alt Text,Gift Card,SEO Title,SEO Description,Variant Image,Variant Weight Unit,"
    "Variant Tax Code,Cost per item,Status"
)
WOO_ORDER_COLUMNS = header(
    "Order Number,Order Status,Order Date,Customer Note,First Name (Billing),"
    "Last Name (Billing),Company (Billing),Address 1&2 (Billing),City (Billing),"
    "State Code (Billing),Postcode (Billing),Country Code (Billing),Email (Billing),"
    "Phone (Billing),First Name (Shipping),Last Name (Shipping),Address 1&2 (Shipping),"
    "City (Shipping),State Code (Shipping),Postcode (Shipping),Country Code (Shipping),"
    "Payment Method Title,Cart Discount Amount,Order Subtotal Amount,Shipping Method Title,"
    "Order Shipping Amount,Order Refund Amount,Order Total Amount,Order Total Tax Amount,"
    "Item #,SKU,Item Name,Quantity,Quantity (- Refund),Item Cost,Order Line (w/o tax),"
    "Coupon Code,Discount Amount,Discount Amount Tax"
)
WOO_PRODUCT_COLUMNS = header(
    "ID,Type,SKU,Name,Published,Is featured?,Visibility in catalog,Short description,"
    "Description,Date sale price starts,Date sale price ends,Tax status,Tax class,"
    "In stock?,Stock,Low stock amount,Backorders allowed?,Sold individually?,Weight (kg),"
    "Length (cm),Width (cm),Height (cm),Allow customer reviews?,Purchase note,Sale price,"
    "Regular price,Categories,Tags,Shipping class,Images,Download limit,"
    "Download expiry days,Parent,Grouped products,Upsells,Cross-sells,External URL,"
    "Button text,Position"
)


def cents(value):
    """Round to the cent, halves away from zero."""
    return Decimal(value).quantize(CENT, ROUND_HALF_UP)


def write_csv(path, columns, rows):
    """Write dicts as a CSV file; what a row lacks stays empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def write_lines(path, records):
    """Write JSON lines."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def moments(draw, count, zone):
    """Draw moments of January to July 2024, a third of them near a local midnight."""
    for _ in range(count):
        day = datetime(2024, 1, 2) + timedelta(days=draw.randrange(200))
        near = draw.random() < 1 / 3
        minutes = draw.randrange(-60, 60) if near else draw.randrange(24 * 60)
        yield (day + timedelta(minutes=minutes)).replace(tzinfo=ZoneInfo(zone))


def figures(orders):
    """Sum up counted orders: a frame of customer, day, revenue, refund and refund_day.

    What was refunded after the day of the last order lies after the shop's clock.
    """
    late = orders.refund_day.notna() & (orders.refund_day > orders.day.max())
    orders = orders.assign(refund=orders.refund.where(~late, Decimal(0)))
    days = {}
    for day, revenue, refund_day, refund in zip(
        orders.day, orders.revenue, orders.refund_day, orders.refund, strict=True
    ):
        gross, net = days.get(day, (Decimal(0), Decimal(0)))
        days[day] = (gross + revenue, net + revenue)
        if refund:
            gross, net = days.get(refund_day, (Decimal(0), Decimal(0)))
            days[refund_day] = (gross, net - refund)
    return {
        "revenue": sum(orders.revenue),
        "net_revenue": sum(orders.revenue) - sum(orders.refund),
        "orders": len(orders),
        "customers": orders.customer.nunique(),
        "days": {day: money for day, money in days.items() if any(money)},
    }


# Shopify's exports.


def make_shopify_export(folder, zone="America/New_York", seed=5):
    """Orders with fields on their first row only, in the form Shopify writes."""
    draw = random.Random(seed)
    articles = [
        {
            "Handle": f"thing-{n}",
            "Title": f'Thing "{n}", large' if n % 7 == 0 else f"Thing {n}",
            "Vendor": f"Maker {n % 4}",
            "Type": f"Type {n % 3}",
            "Option1 Value": "Default Title",
            "Variant SKU": "" if n % 6 == 0 else f"SKU-{n:03}",
            "Variant Price": f"{draw.randrange(300, 9000) / 100:.2f}",
            "Cost per item": "1.00",
        }
        for n in range(30)
    ]
    images = [{"Handle": row["Handle"], "Image Src": "https://x/1.png"} for row in articles[::4]]
    write_csv(folder / "products_export.csv", SHOPIFY_PRODUCT_COLUMNS, articles + images)
    people = [f"Buyer{n}@example.com" for n in range(60)]
    write_csv(
        folder / "customers_export.csv",
        SHOPIFY_CUSTOMER_COLUMNS,
        [
            {
                "Customer ID": 7000000000000 + n,
                "First Name": "Ann",
                "Last Name": f"Of the {n}th",
                "Email": email.lower(),
                "Accepts Email Marketing": draw.choice(["yes", "no"]),
                "Default Address City": "Springfield",
                "Default Address Country Code": "US",
            }
            for n, email in enumerate(people[:40])
        ],
    )
    rows = []
    for number, moment in enumerate(sorted(moments(draw, 300, zone)), start=1001):
        lines = []
        for article in draw.choices(articles, k=draw.choice([1, 1, 2, 3, 5])):
            quantity = draw.choice([1, 1, 1, 2, 3, 12])
            price = Decimal(article["Variant Price"])
            lines.append(
                {
                    "Lineitem quantity": quantity,
                    "Lineitem name": article["Title"],
                    "Lineitem price": price,
                    "Lineitem sku": article["Variant SKU"],
                    "Lineitem discount": cents(price / 10) if draw.random() < 0.2 else "0.00",
                }
            )
        if draw.random() < 0.1:
            lines.append(dict(lines[0]))
        worth = sum(
            line["Lineitem quantity"] * line["Lineitem price"] - Decimal(line["Lineitem discount"])
            for line in lines
        )
        off = cents(worth * draw.choice([0, 0, 0, 10, 15, 33]) / 100)
        shipping = draw.choice([Decimal("0.00"), Decimal("4.90")])
        # A code for free shipping is a discount, too, but not of the goods.
        free_shipping = shipping if draw.random() < 0.3 else Decimal(0)
        subtotal = worth - off
        taxes = cents(subtotal * 8 / 100)
        total = subtotal + shipping - free_shipping + taxes
        status, refunded, cancelled = "paid", Decimal("0.00"), ""
        what = draw.random()
        if what < 0.05:
            status = "voided"
        elif what < 0.1:
            status, refunded = "refunded", total
        elif what < 0.18:
            status = "partially_refunded"
            refunded = cents(total * draw.randrange(5, 95) / 100)
        elif what < 0.22:
            status, refunded, cancelled = "refunded", total, moment + timedelta(days=1)
        elif what < 0.26:
            status = "pending"
        email = "" if draw.random() < 0.1 else draw.choice(people)
        form = "%Y-%m-%d %H:%M:%S %z"
        head = {
            "Financial Status": status,
            "Paid at": "" if status in ("voided", "pending") else moment.strftime(form),
            "Accepts Marketing": draw.choice(["yes", "no"]),
            "Currency": "USD",
            "Subtotal": subtotal,
            "Shipping": shipping - free_shipping,
            "Taxes": taxes,
            "Total": total,
            "Discount Code": "CODE" if off or free_shipping else "",
            "Discount Amount": off + free_shipping,
            "Billing Name": "Guest, Of Honour",
            "Billing City": "Shelbyville",
            "Billing Country": "US",
            "Shipping Street": "1 Main St\nBack door" if draw.random() < 0.1 else "1 Main St",
            "Shipping City": "Shelbyville",
            "Cancelled at": cancelled and cancelled.strftime(form),
            "Refunded Amount": refunded,
            "Id": 5000000000000 + number,
            "Source": draw.choice(["web", "pos"]),
        }
        for place, line in enumerate(lines):
            common = {
                "Name": f"#{number}",
                "Email": email if draw.random() < 0.7 else email.lower(),
                "Created at": moment.strftime(form),
            }
            rows.append(common | line | (head if place == 0 else {}))
    # Newest first, as the admin lists them.
    blocks = {}
    for row in rows:
        blocks.setdefault(row["Name"], []).append(row)
    newest_first = [row for name in reversed(blocks) for row in blocks[name]]
    write_csv(folder / "orders_export.csv", SHOPIFY_ORDER_COLUMNS, newest_first)


def read_shopify_export(folder, zone="America/New_York"):
    """Read the first row of every order: its subtotal is what the goods brought."""
    rows = pd.read_csv(folder / "orders_export.csv", dtype=str, keep_default_na=False)
    heads = rows[rows["Financial Status"] != ""]
    heads = heads[(heads["Cancelled at"] == "") & (heads["Financial Status"] != "voided")]
    local = pd.to_datetime(heads["Created at"], utc=True).dt.tz_convert(zone).dt.date
    revenue = heads["Subtotal"].map(Decimal)
    paid_back = heads["Refunded Amount"].map(Decimal)
    return figures(
        pd.DataFrame(
            {
                "customer": heads["Email"].str.lower().replace("", None),
                "day": local,
                "revenue": revenue,
                "refund_day": local,
                "refund": [min(pair) for pair in zip(revenue, paid_back, strict=True)],
            }
        )
    )


# Shopify's tables as Airbyte lands them.


def landed(draw, record, extracted):
    """Add Airbyte's own columns."""
    return {
        "_airbyte_raw_id": f"{draw.getrandbits(64):016x}",
        "_airbyte_extracted_at": extracted.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "_airbyte_meta": {"changes": [], "sync_id": 1},
        "_airbyte_generation_id": 1,
    } | record


def make_shopify_airbyte(folder, zone="America/New_York", seed=6):
    """Append mode: orders come again when they change, lines are an array."""
    draw = random.Random(seed)
    prices = {700 + n: cents(Decimal(draw.randrange(300, 9000)) / 100) for n in range(20)}
    start = datetime(2024, 1, 1, tzinfo=UTC)
    write_lines(
        folder / "products.jsonl",
        [
            landed(
                draw,
                {
                    "id": id_,
                    "title": f"Thing {id_} v{version}",
                    "product_type": f"Type {id_ % 3}",
                    "vendor": "Maker",
                    "updated_at": (start + timedelta(days=version)).isoformat(),
                },
                start + timedelta(days=version),
            )
            for id_ in prices
            for version in (1, 2)
        ],
    )
    write_lines(
        folder / "product_variants.jsonl",
        [
            landed(
                draw,
                {"id": id_ * 10, "product_id": id_, "price": float(price)}
                | {"updated_at": start.isoformat()},
                start,
            )
            for id_, price in prices.items()
        ],
    )
    write_lines(
        folder / "customers.jsonl",
        [
            landed(
                draw,
                {
                    "id": 9000 + n,
                    "first_name": "Ann",
                    "last_name": f"v{version}",
                    "email": f"buyer{n}@example.com",
                    "created_at": "2023-12-31T20:00:00-05:00",
                    "updated_at": (start + timedelta(days=version)).isoformat(),
                    "default_address": {"city": "Springfield", "country": "United States"},
                    "email_marketing_consent": {"state": "subscribed"},
                },
                start + timedelta(days=version),
            )
            for n in range(50)
            for version in (1, 2)
        ],
    )
    orders, refunds = [], []
    for number, moment in enumerate(moments(draw, 250, zone), start=1):
        included = draw.random() < 0.3
        lines = []
        for place in range(draw.choice([1, 1, 2, 4])):
            product = draw.choice(list(prices))
            quantity = draw.choice([1, 1, 2, 5])
            price = prices[product]
            shares = [cents(price * quantity * share / 100) for share in (draw.choice([0, 10]), 5)]
            off = shares[: draw.choice([0, 1, 2])]
            tax = cents((price * quantity - sum(off)) * 7 / 107)
            lines.append(
                {
                    "id": number * 100 + place,
                    "product_id": product if draw.random() < 0.95 else None,
                    "title": f"Thing {product}",
                    "quantity": quantity,
                    "price": float(price),
                    "total_discount": 0.0,
                    "discount_allocations": [
                        {"amount": float(amount), "discount_application_index": 0} for amount in off
                    ],
                    "tax_lines": [{"title": "VAT", "price": float(tax), "rate": 0.07}],
                }
            )
        order = {
            "id": 4500000000000 + number,
            "name": f"#{number}",
            "email": f"buyer{number % 50}@example.com",
            "test": number % 40 == 0,
            "currency": "USD",
            "taxes_included": included,
            "financial_status": "paid",
            "source_name": "web",
            "created_at": moment.isoformat(),
            "updated_at": moment.isoformat(),
            "cancelled_at": None,
            "deleted_at": None,
            "customer": {"id": 9000 + draw.randrange(50)} if draw.random() < 0.85 else None,
            "shipping_address": {"address1": "1 Main St", "city": "Springfield"},
            "line_items": lines,
        }
        if order["customer"] is None:
            order["email"] = None if draw.random() < 0.5 else f"GUEST{number % 9}@example.com"
        versions = [order]
        what = draw.random()
        later = moment + timedelta(days=2)
        if what < 0.1:
            versions.append(order | {"cancelled_at": later.isoformat()})
        elif what < 0.2 and len(lines) > 1:
            # A line is taken off before it is shipped.
            versions.append(order | {"line_items": lines[1:]})
        elif what < 0.4:
            line = draw.choice(lines)
            allocated = sum(Decimal(str(part["amount"])) for part in line["discount_allocations"])
            worth = line["quantity"] * Decimal(str(line["price"])) - allocated
            units = draw.randrange(1, line["quantity"] + 1)
            subtotal = cents(worth * units / line["quantity"])
            tax = cents(Decimal(str(line["tax_lines"][0]["price"])) * units / line["quantity"])
            refund = {
                "id": 88000 + number,
                "order_id": order["id"],
                "created_at": (moment + timedelta(days=9)).isoformat(),
                "note": "too small",
                "refund_line_items": [
                    {
                        "id": 660000 + number,
                        "line_item_id": line["id"],
                        "quantity": units,
                        "subtotal": float(subtotal),
                        "total_tax": float(tax),
                        "line_item": {"product_id": line["product_id"], "title": line["title"]},
                    }
                ],
                "order_adjustments": [
                    {"id": 770000 + number, "kind": "shipping_refund", "amount": "-4.90"}
                ],
            }
            refunds.append(landed(draw, refund, later))
            if draw.random() < 0.5:
                refunds.append(landed(draw, refund, later + timedelta(days=1)))
            versions.append(order | {"financial_status": "partially_refunded"})
        elif what < 0.45:
            refund = {
                "id": 88000 + number,
                "order_id": order["id"],
                "created_at": (moment + timedelta(days=3)).isoformat(),
                "note": "sorry",
                "refund_line_items": [],
                "order_adjustments": [
                    {"id": 770000 + number, "kind": "refund_discrepancy", "amount": "-1.50"}
                ],
            }
            refunds.append(landed(draw, refund, later))
        for version, content in enumerate(versions):
            changed = moment + timedelta(days=2 * version)
            content = content | {"updated_at": changed.isoformat()}
            orders.append(landed(draw, content, changed))
            if draw.random() < 0.2:
                # Sent again as it was.
                orders.append(landed(draw, content, changed + timedelta(hours=1)))
    draw.shuffle(orders)
    write_lines(folder / "orders.jsonl", orders)
    write_lines(folder / "order_refunds.jsonl", refunds)


def newest(path, *by):
    """Read JSON lines and keep the newest version of every id."""
    rows = [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]
    kept = {}
    for row in rows:
        key = tuple(datetime.fromisoformat(row[name]) for name in by)
        if row["id"] not in kept or key >= kept[row["id"]][0]:
            kept[row["id"]] = (key, row)
    return [row for _, row in kept.values()]


def read_shopify_airbyte(folder, zone="America/New_York"):
    """Go through the newest versions in plain Python."""
    counted, lines_of = {}, {}
    for order in newest(folder / "orders.jsonl", "updated_at", "_airbyte_extracted_at"):
        if order["test"] or order["deleted_at"] or order["cancelled_at"]:
            continue
        worth = {}
        for line in order["line_items"]:
            off = sum(part["amount"] for part in line["discount_allocations"])
            tax = sum(part["price"] for part in line["tax_lines"]) if order["taxes_included"] else 0
            worth[line["product_id"] or line["title"]] = (
                worth.get(line["product_id"] or line["title"], 0)
                + line["quantity"] * line["price"]
                - off
                - tax
            )
        guest = order["email"] and order["email"].lower()
        counted[order["id"]] = {
            "customer": str(order["customer"]["id"]) if order["customer"] else guest,
            "day": datetime.fromisoformat(order["created_at"]).astimezone(ZoneInfo(zone)).date(),
            "revenue": cents(sum(worth.values())),
            "included": order["taxes_included"],
            "refund": Decimal(0),
            "refund_day": None,
        }
        lines_of[order["id"]] = worth
    for refund in newest(folder / "order_refunds.jsonl", "_airbyte_extracted_at"):
        order = counted.get(refund["order_id"])
        if order is None:
            continue
        moment = datetime.fromisoformat(refund["created_at"])
        order["refund_day"] = moment.astimezone(ZoneInfo(zone)).date()
        for item in refund["refund_line_items"]:
            back = item["subtotal"] - (item["total_tax"] if order["included"] else 0)
            product = item["line_item"]["product_id"] or item["line_item"]["title"]
            # Never above the line; nothing for one that is no longer part of the order.
            order["refund"] += min(back, lines_of[refund["order_id"]].get(product, Decimal(0)))
        for item in refund["order_adjustments"]:
            if item["kind"] == "refund_discrepancy":
                order["refund"] += min(-Decimal(item["amount"]), order["revenue"])
    return figures(pd.DataFrame(counted.values()))


# Olist.


def make_olist(folder, seed=7):
    """Write five of the nine tables: a row per unit, a customer id per order."""
    draw = random.Random(seed)
    products = [f"{draw.getrandbits(128):032x}" for _ in range(25)]
    words = {"beleza_saude": "health_beauty", "cama_mesa_banho": "bed_bath_table", "pcs": ""}
    write_csv(
        folder / "product_category_name_translation.csv",
        ["product_category_name", "product_category_name_english"],
        [
            {"product_category_name": name, "product_category_name_english": english}
            for name, english in words.items()
            if english
        ],
    )
    write_csv(
        folder / "olist_products_dataset.csv",
        header(
            "product_id,product_category_name,product_name_lenght,product_description_lenght,"
            "product_photos_qty,product_weight_g,product_length_cm,product_height_cm,"
            "product_width_cm"
        ),
        [
            {"product_id": id_, "product_category_name": draw.choice([*words, ""])}
            for id_ in products
        ],
    )
    people = [f"{draw.getrandbits(128):032x}" for _ in range(80)]
    orders, items, customers = [], [], []
    for moment in moments(draw, 300, "America/Sao_Paulo"):
        order, customer = (f"{draw.getrandbits(128):032x}" for _ in range(2))
        status = draw.choices(
            ["delivered", "shipped", "canceled", "unavailable", "invoiced", "created"],
            [85, 5, 4, 3, 2, 1],
        )[0]
        orders.append(
            {
                "order_id": order,
                "customer_id": customer,
                "order_status": status,
                "order_purchase_timestamp": moment.strftime("%Y-%m-%d %H:%M:%S"),
            }
        )
        customers.append(
            {
                "customer_id": customer,
                "customer_unique_id": draw.choice(people),
                "customer_zip_code_prefix": "01409",
                "customer_city": "sao paulo",
                "customer_state": "SP",
            }
        )
        if status == "unavailable" or draw.random() < 0.02:
            continue
        place = 0
        for product in draw.choices(products, k=draw.choice([1, 1, 1, 2])):
            price, freight = draw.randrange(990, 30000) / 100, draw.randrange(500, 4000) / 100
            # Two of a thing are two rows, alike but for their number.
            for _ in range(draw.choice([1, 1, 1, 1, 2, 4])):
                place += 1
                items.append(
                    {
                        "order_id": order,
                        "order_item_id": place,
                        "product_id": product,
                        "seller_id": "3504c0cb71d7fa48d967e0e4c94d59d9",
                        "shipping_limit_date": moment.strftime("%Y-%m-%d 00:00:00"),
                        "price": f"{price:.2f}",
                        "freight_value": f"{freight:.2f}",
                    }
                )
    write_csv(
        folder / "olist_orders_dataset.csv",
        header(
            "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
            "order_delivered_carrier_date,order_delivered_customer_date,"
            "order_estimated_delivery_date"
        ),
        orders,
    )
    write_csv(folder / "olist_order_items_dataset.csv", list(items[0]), items)
    write_csv(folder / "olist_customers_dataset.csv", list(customers[0]), customers)


def read_olist(folder):
    """Join the three tables by pandas."""
    orders, items, customers = (
        pd.read_csv(folder / f"olist_{name}_dataset.csv", dtype=str)
        for name in ("orders", "order_items", "customers")
    )
    items["price"] = items["price"].map(Decimal)
    revenue = items.groupby("order_id", as_index=False)["price"].sum()
    merged = revenue.merge(orders, on="order_id").merge(customers, on="customer_id")
    counted = merged[~merged["order_status"].isin(["canceled", "unavailable"])]
    day = pd.to_datetime(counted["order_purchase_timestamp"]).dt.date
    return figures(
        pd.DataFrame(
            {
                "customer": counted["customer_unique_id"],
                "day": day,
                "revenue": counted["price"],
                "refund_day": day,
                "refund": Decimal(0),
            }
        )
    )


# HubSpot's contacts as Airbyte lands them.


def make_hubspot_airbyte(folder, seed=9):
    """Append mode: a contact comes again when it changes; one is in the bin, one has no address."""
    draw = random.Random(seed)
    created = "2023-05-06T10:11:00.000Z"
    contacts = [
        ("1", 1, False, {"email": "Buyer1@example.com", "firstname": "Ann", "lastname": "Before"}),
        (
            *("1", 2, False),
            {
                "email": "Buyer1@example.com",
                "firstname": "Ann",
                "lastname": "Of HubSpot",
                "city": "Paris",
                "country": "France",
                "lifecyclestage": "customer",
                "hs_email_optout": "true",
            },
        ),
        (
            "2",
            1,
            False,
            {"email": "buyer2@example.com", "firstname": "Bo", "lifecyclestage": "lead"},
        ),
        ("3", 1, True, {"email": "gone@example.com"}),
        ("4", 1, False, {"firstname": "No", "lastname": "Address"}),
    ]
    write_lines(
        folder / "contacts.jsonl",
        [
            landed(
                draw,
                {
                    "id": id_,
                    "createdAt": created,
                    "updatedAt": f"2024-01-0{version}T00:00:00.000Z",
                    "archived": archived,
                    "properties": properties,
                    "properties_email": properties.get("email"),
                },
                datetime(2024, 1, version, 1, tzinfo=UTC),
            )
            for id_, version, archived, properties in contacts
        ],
    )


# WooCommerce's tables as Airbyte lands them.


def make_woocommerce_airbyte(folder, zone="Europe/Berlin", seed=8):
    """Write times in UTC without zone, guests with id 0, refunds of lines and of money alone."""
    draw = random.Random(seed)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    stamp = "%Y-%m-%dT%H:%M:%S"
    write_lines(
        folder / "products.jsonl",
        [
            landed(
                draw,
                {
                    "id": n,
                    "name": f"Ding {n}",
                    "price": "10.00",
                    "categories": [{"id": 1, "name": "Dinge"}],
                    "stock_quantity": 5 if n % 2 else None,
                    "date_modified_gmt": start.strftime(stamp),
                },
                start,
            )
            for n in range(1, 16)
        ],
    )
    write_lines(
        folder / "customers.jsonl",
        [
            landed(
                draw,
                {
                    "id": n,
                    "email": f"k{n}@example.com",
                    "first_name": "Jo",
                    "last_name": "Ä",
                    "billing": {"city": "Köln", "country": "DE"},
                    "date_created_gmt": start.strftime(stamp),
                    "date_modified_gmt": start.strftime(stamp),
                },
                start,
            )
            for n in range(1, 31)
        ],
    )
    orders, refunds = [], []
    for number, moment in enumerate(moments(draw, 200, zone), start=1):
        utc = moment.astimezone(UTC)
        lines = []
        for place in range(draw.choice([1, 2, 3])):
            quantity = draw.choice([1, 2, 7])
            total = Decimal(draw.randrange(100, 20000)) / 100
            lines.append(
                {
                    "id": number * 10 + place,
                    "product_id": draw.randrange(1, 16) if place == 0 else 100 + place,
                    "quantity": quantity,
                    "subtotal": str(total + 1),
                    "total": str(total),
                    "total_tax": str(cents(total * 19 / 100)),
                    "price": float(total / quantity),
                }
            )
        guest = draw.random() < 0.3
        order = {
            "id": number,
            "number": str(number),
            "status": draw.choices(
                ["completed", "processing", "on-hold", "cancelled", "failed"], [80, 8, 4, 5, 3]
            )[0],
            "currency": "EUR",
            "created_via": "checkout",
            "date_created": moment.strftime(stamp),
            "date_created_gmt": utc.strftime(stamp),
            "date_modified_gmt": utc.strftime(stamp),
            "customer_id": 0 if guest else draw.randrange(1, 31),
            "billing": {"email": f"Gast{number % 12}@example.com" if guest else "k@example.com"},
            "shipping": {"address_1": "Weg 1", "city": "Köln"},
            "line_items": lines,
            "refunds": [],
        }
        versions = [order]
        what = draw.random()
        if order["status"] == "completed" and what < 0.25:
            later = utc + timedelta(days=5)
            line = lines[-1]
            money_only = what < 0.08
            amount = "0.75" if money_only else line["total"]
            refund = {
                "id": 50000 + number,
                "date_created_gmt": later.strftime(stamp),
                "amount": amount,
                "reason": "kaputt",
                "line_items": []
                if money_only
                else [
                    {
                        "id": 60000 + number,
                        "product_id": line["product_id"],
                        "quantity": -line["quantity"],
                        "total": f"-{line['total']}",
                    }
                ],
            }
            refunds += [landed(draw, refund, later) for _ in range(draw.choice([1, 1, 2]))]
            named = [{"id": refund["id"], "reason": "kaputt", "total": f"-{amount}"}]
            versions.append(order | {"refunds": named, "date_modified_gmt": later.strftime(stamp)})
        for version in versions:
            at = datetime.strptime(version["date_modified_gmt"], stamp).replace(tzinfo=UTC)
            orders.append(landed(draw, version, at))
    draw.shuffle(orders)
    write_lines(folder / "orders.jsonl", orders)
    write_lines(folder / "refunds.jsonl", refunds)


def read_woocommerce_airbyte(folder, zone="Europe/Berlin"):
    """Go through the newest versions in plain Python."""
    counted, order_of = {}, {}
    for order in newest(folder / "orders.jsonl", "date_modified_gmt", "_airbyte_extracted_at"):
        for refund in order["refunds"]:
            order_of[refund["id"]] = order["id"]
        if order["status"] in ("cancelled", "failed"):
            continue
        moment = datetime.fromisoformat(order["date_created"])
        person = order["customer_id"] or order["billing"]["email"].lower()
        counted[order["id"]] = {
            "customer": str(person),
            "day": moment.date(),
            "revenue": sum(Decimal(line["total"]) for line in order["line_items"]),
            "refund": Decimal(0),
            "refund_day": None,
        }
    for refund in newest(folder / "refunds.jsonl", "_airbyte_extracted_at"):
        order = counted[order_of[refund["id"]]]
        moment = datetime.fromisoformat(refund["date_created_gmt"]).replace(tzinfo=UTC)
        order["refund_day"] = moment.astimezone(ZoneInfo(zone)).date()
        order["refund"] += min(Decimal(refund["amount"]), order["revenue"])
    return figures(pd.DataFrame(counted.values()))


# WooCommerce's orders by the export plugin.


def make_woocommerce_export(folder, seed=9):
    """Fields of the order on its first row; times are local."""
    draw = random.Random(seed)
    write_csv(
        folder / "products.csv",
        WOO_PRODUCT_COLUMNS,
        [
            {"ID": n, "Type": "simple", "SKU": f"W{n:03}" if n % 4 else "", "Name": f"Ding {n}"}
            | {"Stock": 4, "Regular price": "9.99", "Categories": "Dinge"}
            for n in range(1, 16)
        ],
    )
    rows = []
    for number, moment in enumerate(moments(draw, 200, "Europe/Berlin"), start=1):
        lines = []
        for place in range(1, draw.choice([2, 2, 3, 5])):
            n, quantity = draw.randrange(1, 16), draw.choice([1, 2, 3])
            total = Decimal(draw.randrange(100, 20000)) / 100
            lines.append(
                {
                    "Item #": place,
                    "SKU": f"W{n:03}" if n % 4 else "",
                    "Item Name": f"Ding {n}",
                    "Quantity": quantity,
                    "Quantity (- Refund)": quantity,
                    "Item Cost": cents(total / quantity),
                    "Order Line (w/o tax)": total,
                }
            )
        status = draw.choices(["Completed", "Processing", "Cancelled", "Failed"], [80, 9, 6, 5])[0]
        goods = sum(line["Order Line (w/o tax)"] for line in lines)
        back = cents(goods * draw.choice([20, 100, 119]) / 100) if draw.random() < 0.15 else 0
        head = {
            "Order Status": status,
            "Order Date": moment.strftime("%Y-%m-%d %H:%M"),
            "First Name (Billing)": "Jo",
            "Last Name (Billing)": "Ä",
            "City (Billing)": "Köln",
            "Country Code (Billing)": "DE",
            "Email (Billing)": draw.choice(["", *(f"K{n}@example.com" for n in range(25))]),
            "Address 1&2 (Shipping)": "Weg 1",
            "City (Shipping)": "Köln",
            "Order Shipping Amount": "4.90",
            "Order Refund Amount": back,
        }
        for place, line in enumerate(lines):
            rows.append({"Order Number": number} | line | (head if place == 0 else {}))
    write_csv(folder / "orders.csv", WOO_ORDER_COLUMNS, rows)


def read_woocommerce_export(folder):
    """Sum the lines of every order by pandas."""
    rows = pd.read_csv(folder / "orders.csv", dtype=str, keep_default_na=False)
    rows["line"] = rows["Order Line (w/o tax)"].map(Decimal)
    heads = rows[rows["Order Status"] != ""].set_index("Order Number")
    heads["revenue"] = rows.groupby("Order Number")["line"].sum()
    heads = heads[~heads["Order Status"].isin(["Cancelled", "Failed"])]
    day = pd.to_datetime(heads["Order Date"]).dt.date
    back = heads["Order Refund Amount"].map(Decimal)
    return figures(
        pd.DataFrame(
            {
                "customer": heads["Email (Billing)"].str.lower().replace("", None),
                "day": day,
                "revenue": heads["revenue"],
                "refund_day": day,
                "refund": [min(pair) for pair in zip(heads["revenue"], back, strict=True)],
            }
        )
    )
