"""The same tables as handwritten.sql, as a pandas notebook would make them."""

import sys
from pathlib import Path

import duckdb
import pandas as pd

raw = Path(sys.argv[1])
lines = pd.read_csv(raw / "orders.csv", dtype=str).drop_duplicates()
for column in ("order_id", "customer_id", "product_id"):
    lines[column] = lines[column].str.strip().str.upper()
for column in ("quantity", "unit_price", "discount_amount"):
    lines[column] = pd.to_numeric(lines[column], errors="coerce")
lines["ordered_at"] = pd.to_datetime(lines["order_date"], errors="coerce", format="ISO8601")
lines = lines[
    lines["order_id"].notna()
    & lines["product_id"].notna()
    & (lines["quantity"] > 0)
    & lines["ordered_at"].between("1990-01-01", "2026-01-01")
    & (lines["order_status"].str.lower() != "cancelled")
]
# pandas itself would need another package to read it.
products = duckdb.read_parquet(str(raw / "products.parquet")).df()[["product_id", "price", "cost"]]
lines = lines.merge(products.drop_duplicates("product_id"), on="product_id", how="left")
price = lines["unit_price"].fillna(lines["price"].astype(float))
lines["revenue"] = lines["quantity"] * price - lines["discount_amount"].fillna(0)

orders = lines.groupby("order_id").agg(
    customer_id=("customer_id", "first"),
    ordered_at=("ordered_at", "min"),
    unit_count=("quantity", "sum"),
    revenue=("revenue", "sum"),
)
customers = orders.groupby("customer_id").agg(
    last_order=("ordered_at", "max"), frequency=("revenue", "size"), monetary=("revenue", "sum")
)
recency = (pd.Timestamp("2025-07-01") - customers["last_order"].dt.normalize()).dt.days
ranks = {"r_score": -recency, "f_score": customers["frequency"], "m_score": customers["monetary"]}
for name, values in ranks.items():
    percent_rank = (values.rank(method="min") - 1) / max(len(values) - 1, 1)
    customers[name] = (1 + (5 * percent_rank).astype(int)).clip(upper=5)
daily_sales = orders.groupby(orders["ordered_at"].dt.date).agg(
    order_count=("revenue", "size"),
    customer_count=("customer_id", "nunique"),
    revenue=("revenue", "sum"),
)
print(f"{len(lines)} lines, revenue {daily_sales['revenue'].sum():.2f}")
