"""What is in stock, how long it lasts, and what to order."""

import altair as alt
import streamlit as st
from show import bars, chart, has_rows, label, metrics, number, section, table
from warehouse import read

FILTERS = ["category", "stock_status"]

choices = read(
    " union all ".join(
        f"select '{name}' as name, coalesce({name}, 'unknown') as choice "
        f"from inventory.inventory_status group by {name}"
        for name in FILTERS
    )
)
if not has_rows(choices, "No stock is known: the raw table `inventory` is empty or not mapped."):
    st.stop()
conditions, values = ["true"], []
for column, name in zip(st.columns(2), FILTERS, strict=True):
    chosen = column.multiselect(
        label(name),
        sorted(choices.loc[choices["name"] == name, "choice"]),
        format_func=lambda choice: choice.replace("_", " "),
        placeholder="All",
        key=name,
    )
    if chosen:
        conditions.append(f"coalesce(stock.{name}, 'unknown') in ({', '.join('?' * len(chosen))})")
        values += chosen
where = " and ".join(conditions)

groups = read(
    f"""
    select
        coalesce(stock.category, 'unknown') as category, stock.stock_status,
        count(*) as products, sum(stock.stock_value) as stock_value,
        sum(case when plan.is_reorder_due then 1 else 0 end) as due_products,
        sum(case when plan.is_reorder_due then plan.order_value end) as order_value
    from inventory.inventory_status as stock
    left join inventory.replenishment_plan as plan on stock.product_id = plan.product_id
    where {where}
    group by coalesce(stock.category, 'unknown'), stock.stock_status
    order by stock_value desc, category
    """,
    *values,
)
if not has_rows(groups, "No product fits these filters: take one away."):
    st.stop()
by_status = groups.groupby("stock_status")["products"].sum()
metrics(
    ("Products", number(groups["products"].sum())),
    ("Stock value", number(groups["stock_value"].sum())),
    ("Low or out of stock", number(by_status.reindex(["low", "out_of_stock"]).sum())),
    ("Overstock", number(by_status.get("overstock", 0))),
    ("To order now", number(groups["due_products"].sum()),
     f"for {number(groups['order_value'].sum())}"),
)  # fmt: skip

left, right = st.columns(2)
with left, section("Stock value by category"):
    groups["status"] = groups["stock_status"].str.replace("_", " ")
    color = alt.Color("status:N", title=None, legend=alt.Legend(orient="top"))
    chart(bars(groups, "category", "stock_value", color), "Stock at cost, by category and status.")
with right, section("To order now"):
    plan = read(
        f"""
        select
            plan.product_name, plan.order_quantity, plan.order_value, plan.available_quantity,
            plan.reorder_point, plan.days_since_count, plan.plan_reason, plan.product_id
        from inventory.replenishment_plan as plan
        inner join inventory.inventory_status as stock on plan.product_id = stock.product_id
        where plan.is_reorder_due and {where}
        order by plan.order_value desc nulls last, plan.product_id
        limit 200
        """,
        *values,
    )
    if has_rows(plan, "Nothing has to be ordered."):
        table(plan, height=320)

left, right = st.columns(2)
with left, section("Likely to run out"):
    soon = read(
        f"""
        select
            forecast.product_name, forecast.stockout_chance_14, forecast.stockout_chance_28,
            forecast.available_quantity, forecast.expected_stockout_date,
            forecast.stockout_reason, forecast.product_id
        from inventory.stockout_forecast as forecast
        inner join inventory.inventory_status as stock on forecast.product_id = stock.product_id
        where forecast.stockout_chance_28 >= 0.1 and {where}
        order by forecast.stockout_chance_28 desc, forecast.product_id
        limit 200
        """,
        *values,
    )
    if has_rows(soon, "Nothing is likely to run out within four weeks."):
        table(soon, height=320)
with right, section("Customers who will miss a product"):
    missing = read(
        """
        select customer_id, product_name, money_at_risk, next_order_date, missing_reason
        from customers.customers_missing_stock
        order by money_at_risk desc nulls last, customer_id, product_id
        limit 200
        """
    )
    if has_rows(missing, "Nobody's usual product is about to run out."):
        table(missing, height=320)
