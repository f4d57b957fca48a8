"""A tiny shop whose money comes back in every way, to the cent in every mart."""

from decimal import Decimal

import duckdb
import pytest

from conftest import WITHOUT_TRAINING

ORDERS = """
order_id,customer_id,product_id,quantity,order_date,unit_price,order_status,updated_at,line_total
TOO-MANY,ann,cup,1,2024-03-01,10.00,completed,,
TWICE,ann,pot,1,2024-03-02,20.00,Completed,,
CANCELLED,ben,pot,1,2024-03-03,20.00,wc-cancelled,,
WHOLESALE,ben,cup,10,2024-03-04,500.00,refunded,,
LATE,ben,cup,1,2024-03-25,10.00,processing,,
BY-STATUS,cat,pot,2,2024-03-05,20.00,Shipped - Returned to Seller,2024-03-12 18:00:00,
REST,cat,pot,1,2024-03-06,20.00,rückerstattet,,
HALVES,cat,clip,2,2024-03-07,,entregado,,0.05
TWO-LINES,cat,pot,1,2024-03-08,20.00,shipped,,
TWO-LINES,cat,pot,2,2024-03-08,16.00,shipped,,
GONE,dan,pot,1,2024-03-09,20.00,Cancelled - by customer,,
DRAFT,dan,pot,1,2024-03-09,20.00,checkout-draft,,
FRAUD,dan,pot,1,2024-03-09,20.00,fraud,,
ODD,dan,pot,1,2024-03-09,25.00,beamed up,,
NO-NAME,,pot,1,2024-03-10,20.00,completed,,
"""
RETURNS = """
return_id,order_id,customer_id,product_id,quantity,return_date,reason,refund_amount
R01,TOO-MANY,ann,cup,5,2024-03-05,,50.00
R02,TOO-MANY,ann,,,2024-03-10,goodwill,3.00
R03,TWICE,ann,pot,1,2024-03-06,,5.00
R04,TWICE,ann,pot,1,2024-03-07,,
R05,TWICE,ann,,,2024-03-10,goodwill,4.90
R06,CANCELLED,ben,pot,1,2024-03-08,,20.00
R07,WHOLESALE,ben,cup,4,2024-03-09,,1999.99
R08,LATE,ben,cup,1,2024-03-20,before it was bought,
R09,REST,cat,pot,1,2024-03-09,,5.00
R10,HALVES,cat,clip,1,2024-03-09,,
R11,HALVES,cat,clip,1,2024-03-09,,
R12,TWO-LINES,cat,pot,2,2024-03-09,,
R13,NOWHERE,eve,pot,1,2024-03-20,unknown order,10.00
R14,NOWHERE,eve,pot,1,2024-03-21,unknown order,
R15,NO-NAME,,pot,1,2024-03-11,,
"""


@pytest.fixture
def shop(make_shop):
    """Write the shop's raw files."""
    shop = make_shop(files=[])
    (shop.raw / "orders.csv").write_text(ORDERS.lstrip())
    (shop.raw / "returns.csv").write_text(RETURNS.lstrip())
    names = "".join(f'{{"customer_id": "{name}"}}\n' for name in ("ann", "ben", "cat", "dan"))
    (shop.raw / "customers.json").write_text(names)
    (shop.raw / "inventory.csv").write_text("product_id,warehouse_id,stock_quantity\ncup,w1,5\n")
    duckdb.sql(
        f"""
        copy (
            select * from (values ('cup', 10.00, 4), ('pot', 21.00, 9), ('clip', 0.10, null))
                as products(product_id, price, cost)
        ) to '{shop.raw}/products.parquet' (format parquet)
        """
    )
    return shop


def money(rows):
    """Rows with amounts as decimals of two places."""
    return [
        tuple(Decimal(f"{value:.2f}") if isinstance(value, float) else value for value in row)
        for row in rows
    ]


def test_money_that_comes_back_is_told_the_same_in_every_mart(shop):
    shop.build(*WITHOUT_TRAINING)
    returns = shop.query(
        """
        select return_id, order_line_number, refund_source, refund_amount
        from core.fct_returns order by 1
        """
    )
    assert money(returns) == money([
        ("ORDER_STATUS-BY-STATUS", None, "order_status", 40.0),
        ("ORDER_STATUS-REST", None, "order_status", 15.0),
        ("ORDER_STATUS-WHOLESALE", None, "order_status", 3000.01),
        ("R01", 1, "paid", 10.0),
        ("R02", None, "paid", 0.0),
        ("R03", 1, "paid", 5.0),
        ("R04", 1, "line_price", 0.0),
        ("R05", None, "paid", 4.9),
        ("R06", None, "paid", 0.0),
        ("R07", 1, "paid", 1999.99),
        ("R08", 1, "line_price", 10.0),
        ("R09", 1, "paid", 5.0),
        ("R10", 1, "line_price", 0.03),
        ("R11", 1, "line_price", 0.02),
        # Only the line of two can hold two.
        ("R12", 2, "line_price", 32.0),
        ("R13", None, "paid", 10.0),
        ("R14", None, "product_price", 21.0),
        ("R15", 1, "line_price", 20.0),
    ])  # fmt: skip
    orders = shop.query(
        """
        select order_id, order_revenue, net_revenue from core.fct_orders
        where not is_cancelled order by 1
        """
    )
    assert money(orders) == money([
        ("BY-STATUS", 40.0, 0.0),
        ("HALVES", 0.05, 0.0),
        ("LATE", 10.0, 0.0),
        ("NO-NAME", 20.0, 0.0),
        ("ODD", 25.0, 25.0),
        ("REST", 20.0, 0.0),
        ("TOO-MANY", 10.0, 0.0),
        ("TWICE", 20.0, 10.1),
        ("TWO-LINES", 52.0, 20.0),
        ("WHOLESALE", 5000.0, 0.0),
    ])  # fmt: skip
    unknown = "select order_status from core.fct_order_lines where has_unknown_status"
    assert shop.query(unknown) == [("beamed up",)]
    days = shop.query(
        """
        select order_date::varchar, revenue, net_revenue from sales.daily_sales
        where order_date in ('2024-03-05', '2024-03-12', '2024-03-20') order by 1
        """
    )
    assert money(days) == money([
        ("2024-03-05", 40.0, 30.0), ("2024-03-12", 0.0, -40.0), ("2024-03-20", 0.0, -20.0),
    ])  # fmt: skip
    customers = shop.query(
        "select customer_id, monetary, net_monetary, m_score from customers.customer_rfm order by 1"
    )
    assert money(customers) == money([
        ("ANN", 30.0, 10.1, 2), ("BEN", 5010.0, 0.0, 5),
        ("CAT", 112.05, 20.0, 4), ("DAN", 25.0, 25.0, 1),
    ])  # fmt: skip
    totals = shop.query(
        """
        select sum(refund_amount) from core.fct_returns
        union all
        select sum(refund_amount) from sales.daily_sales
        union all
        select sum(refund) + 20 from features.int_customer_days
        """
    )
    assert {total for (total,) in totals} == {Decimal("5172.95")}
    # A refund that only the status tells of is no return.
    assert shop.query("select count(*) from features.int_customer_days where return_count > 0") == [
        (10,)
    ]

    # M by net revenue: what was scored before is scored anew, and who sent all back is worth least.
    shop.build(*WITHOUT_TRAINING, shop_vars={"monetary_basis": "net"})
    scores = shop.query("select customer_id, m_score from customers.customer_rfm order by 1")
    assert scores == [("ANN", 2), ("BEN", 1), ("CAT", 4), ("DAN", 5)]
    highest = shop.query(
        "select highest_value from customers.rfm_cut_points where metric = 'monetary' and score = 5"
    )
    assert highest == [(Decimal("25.00"),)]


def test_a_monetary_basis_that_does_not_exist_is_told_at_once(shop):
    result = shop.dbt("build", shop_vars={"monetary_basis": "profit"})
    assert result.returncode != 0
    assert "monetary_basis is 'profit': set it to gross" in result.stdout
