"""One customer: what they did, where they stand, what is expected of them, and why."""

import altair as alt
import streamlit as st
from show import BLUE, ORANGE, chart, has_rows, metrics, number, percent, section, table
from warehouse import has_personal_data, read

HISTORY = """
    select snapshot_date, r_score, f_score, m_score, rfm_segment, segment_name
    from customers.segment_history
    where customer_id = ?
    order by snapshot_date
"""

first = read(
    """
    select customer_id from customers.customer_360
    order by money_at_risk desc nulls last, monetary desc nulls last, customer_id
    limit 50
    """
)
# A choice on the page Segments comes by the first, an address that a colleague sent by the second.
# Afterwards the box itself knows: were its choices to change, it would forget what was typed.
asked = st.session_state.pop("opened", None) or st.query_params.get("customer_id")
if asked and "customer_id" not in st.session_state:
    st.session_state["customer_id"] = asked
customer_id = st.selectbox(
    "Customer: one of the 50 with the most money at risk, or any id",
    list(first["customer_id"]),
    key="customer_id",
    accept_new_options=True,
    width=420,
)
if not customer_id:
    st.info("There is no customer yet.")
    st.stop()
# Ids are upper case everywhere (macros/staging/clean_id.sql).
customer_id = customer_id.strip().upper()
st.query_params["customer_id"] = customer_id
found = read("select * from customers.customer_360 where customer_id = ?", customer_id)
if not has_rows(found, "There is no customer with this id: check it."):
    st.stop()
customer = found.iloc[0]

if has_personal_data():
    known = [customer[name] for name in ("customer_name", "email", "city") if customer[name]]
    # As text: a name that holds an image in Markdown would fetch it.
    st.text(" · ".join(known))
since = customer["first_order_date"]
metrics(
    ("RFM segment", customer["rfm_segment"] or "–", None,
     f"Scores of recency, frequency and money: {number(customer['rfm_code'])}."),
    ("Segment", customer["segment_name"] or "–"),
    ("Orders", number(customer["frequency"]), None if since is None or since != since
     else f"since {since:%B %Y}"),
    ("Revenue", number(customer["monetary"])),
)  # fmt: skip
metrics(
    ("Churn probability", percent(customer["churn_probability"]), customer["risk_band"]),
    ("Money at risk", number(customer["money_at_risk"])),
    ("Expected within a year", number(customer["predicted_value"])),
    ("Next order", f"{customer['next_order_date']:%d %b %Y}"
     if customer["next_order_date"] == customer["next_order_date"] else "–"),
)  # fmt: skip

left, right = st.columns(2)
with left, section("What to do"):
    st.write(customer["recommended_action"])
    st.caption(customer["action_reason"])
with right, section("Why this churn probability"):
    reasons = [customer[f"churn_reason_{place}"] for place in (1, 2, 3)]
    reasons = [reason for reason in reasons if reason]
    st.markdown("\n".join(f"{place}. {reason}" for place, reason in enumerate(reasons, 1)))
    if not reasons:
        st.info(customer["churn_status_reason"] or "This score has no reasons.")

left, right = st.columns(2)
with left, section("Orders and returns"):
    events = read(
        """
        select order_date as event_date, 'order' as event, order_revenue as amount, order_id
        from core.fct_orders
        where customer_id = ? and not is_cancelled
        union all
        select return_date as event_date, 'return' as event, -refund_amount as amount, order_id
        from core.fct_returns
        where customer_id = ?
        order by event_date desc, order_id
        """,
        customer_id,
        customer_id,
    )
    if has_rows(events, "No order that was not cancelled."):
        drawing = (
            alt.Chart(events)
            .mark_bar(size=4)
            .encode(
                x=alt.X("event_date:T", title=None),
                y=alt.Y("amount:Q", title="Amount"),
                color=alt.Color("event:N", title=None, legend=alt.Legend(orient="top"),
                                scale=alt.Scale(domain=["order", "return"], range=[BLUE, ORANGE])),
                tooltip=["event_date:T", "event", alt.Tooltip("amount:Q", format=",.2f"),
                         "order_id"],
            )
        )  # fmt: skip
        chart(drawing, "Orders, and returns below the line, by date.")
with right, section("RFM history"):
    history = read(HISTORY, customer_id)
    if has_rows(history, "No month has ended since the first order."):
        scores = history.melt("snapshot_date", ["r_score", "f_score", "m_score"], "of", "score")
        scores["of"] = scores["of"].map(
            {"r_score": "recency", "f_score": "frequency", "m_score": "money"}
        )
        drawing = (
            alt.Chart(scores)
            .mark_line(point=True, strokeWidth=2)
            .encode(
                x=alt.X("snapshot_date:T", title=None),
                y=alt.Y("score:Q", title="Score", scale=alt.Scale(domain=[0.5, 5.5]),
                        axis=alt.Axis(values=[1, 2, 3, 4, 5])),
                color=alt.Color("of:N", title=None,
                                legend=alt.Legend(orient="top", symbolType="stroke")),
                tooltip=["snapshot_date:T", "of", "score"],
            )
        )  # fmt: skip
        chart(drawing, "Scores at the start of each month; 5 is best.")

left, right = st.columns(2)
with left, section("Moves between segments"):
    history = read(HISTORY, customer_id)
    moved = history[
        (history["rfm_segment"] != history["rfm_segment"].shift())
        | (history["segment_name"] != history["segment_name"].shift())
    ]
    if has_rows(moved, "No month has ended since the first order."):
        table(moved[["snapshot_date", "rfm_segment", "segment_name"]].iloc[::-1])
with right, section("What to recommend"):
    offers = read(
        """
        select
            recommendations.list, recommendations.rank, products.product_name,
            products.category, recommendations.reason
        from sales.product_recommendations as recommendations
        inner join core.dim_products as products
            on recommendations.product_id = products.product_id
        where recommendations.customer_id = ?
        order by recommendations.list, recommendations.rank
        """,
        customer_id,
    )
    if has_rows(offers, "Nothing is known that this customer would buy."):
        offers["list"] = offers["list"].str.replace("_", " ")
        table(offers, height=300)
