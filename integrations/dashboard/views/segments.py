"""Who the customers are, by segment and other filters, and what to do about them."""

import altair as alt
import streamlit as st
from audience import to_csv
from show import bars, chart, has_rows, label, metrics, number, percent, section, table
from warehouse import answer, has_personal_data, read

FILTERS = ["lifecycle_stage", "risk_band", "value_tier", "loyalty_tier", "country"]
BASES = {"RFM": ("rfm_segment", "rfm"), "Behaviour (KMeans)": ("segment_name", "kmeans")}

basis = st.segmented_control("Segments by", list(BASES), default="RFM", required=True)
segment, segmentation = BASES[basis]

# Labels only, of all filters at once; what is not known can be chosen as well.
choices = read(
    " union all ".join(
        f"select '{name}' as name, coalesce({name}, 'unknown') as choice "
        f"from customers.customer_360 where has_ordered group by {name}"
        for name in [segment, *FILTERS]
    )
)
conditions, values = ["has_ordered"], []
for column, name in zip(st.columns(len(FILTERS) + 1), [segment, *FILTERS], strict=True):
    chosen = column.multiselect(
        "Segment" if name == segment else label(name),
        sorted(choices.loc[choices["name"] == name, "choice"]),
        placeholder="All",
        # RFM and KMeans have names of their own, and so each its own choice.
        key=name,
    )
    if chosen:
        conditions.append(f"coalesce({name}, 'unknown') in ({', '.join('?' * len(chosen))})")
        values += chosen
where = " and ".join(conditions)

groups = read(
    f"""
    select
        coalesce({segment}, 'unknown') as segment,
        count(*) as customers,
        sum(monetary) as revenue,
        sum(money_at_risk) as money_at_risk,
        sum(churn_probability) as churn_sum,
        count(churn_probability) as scored
    from customers.customer_360
    where {where}
    group by coalesce({segment}, 'unknown')
    order by customers desc, segment
    """,
    *values,
)
scored = groups["scored"].sum()
metrics(
    ("Customers", number(groups["customers"].sum())),
    ("Revenue", number(groups["revenue"].sum())),
    ("Average churn probability", percent(groups["churn_sum"].sum() / scored if scored else None)),
    ("Money at risk", number(groups["money_at_risk"].sum())),
)
if not has_rows(groups, "No customer fits these filters: take one away."):
    st.stop()

left, right = st.columns(2)
with left, section("Customers by segment"):
    chart(bars(groups, "segment", "customers"), "Customers that fit the filters, by segment.")
with right, section("What to do"):
    table(
        read(
            f"""
            select count(*) as customers, sum(money_at_risk) as money_at_risk, recommended_action
            from customers.customer_360
            where {where}
            group by recommended_action
            order by customers desc, recommended_action
            """,
            *values,
        ),
        height=320,
    )

with section("Customers"):
    columns = ["customer_id"] + (["customer_name", "email"] if has_personal_data() else [])
    columns += [segment, "money_at_risk", "churn_probability", "risk_band", "lifecycle_stage"]
    columns += ["value_tier", "frequency", "monetary", "last_order_date", "country"]
    columns += ["recommended_action"]
    audience = f"""
        select {", ".join(columns)}
        from customers.customer_360
        where {where}
        order by money_at_risk desc nulls last, monetary desc, customer_id
    """
    st.caption("The first 100 by money at risk. Choose a row to open the customer's page.")
    first = read(audience + " limit 100", *values)
    opened = table(
        first, key="customers", height=320, on_select="rerun", selection_mode="single-row"
    )
    if opened["selection"]["rows"]:
        st.session_state["opened"] = first.at[opened["selection"]["rows"][0], "customer_id"]
        st.switch_page("views/customer.py")
    st.download_button(
        "Download all of them as CSV",
        # Asked for when it is clicked, not at every look at the page.
        lambda: to_csv(answer(audience, values)),
        "audience.csv",
        "text/csv",
        on_click="ignore",
    )

left, right = st.columns(2)
with left, section("Profiles"):
    if segmentation == "kmeans":
        profiles = read(
            """
            select
                segment_name, traits, customer_count, revenue_share, median_recency_days,
                median_frequency, median_monetary, mean_discount_share, recommended_action
            from customers.segment_profiles
            order by customer_count desc, segment_name
            """
        )
    else:
        profiles = read(
            """
            select
                rfm_segment, count(*) as customers, avg(recency_days) as mean_recency_days,
                avg(frequency) as mean_frequency, avg(monetary) as mean_monetary,
                max(rfm_action) as recommended_action
            from customers.customer_360
            where rfm_segment is not null
            group by rfm_segment
            order by customers desc, rfm_segment
            """
        )
    if has_rows(profiles, "There are no segments yet: the shop is too small or too young."):
        table(profiles, height=300)
with right, section("Movements in the last month"):
    moves = read(
        """
        select from_segment, to_segment, customer_count, customer_share
        from customers.segment_movements
        where segmentation = ? and month_count = 1 and snapshot_date = (
            select max(snapshot_date) from customers.segment_movements
            where segmentation = ? and month_count = 1
        )
        """,
        segmentation,
        segmentation,
    )
    if has_rows(moves, "There is no earlier month to compare with."):
        drawing = (
            alt.Chart(moves)
            .mark_rect()
            .encode(
                x=alt.X("to_segment:N", title="to",
                        axis=alt.Axis(labelAngle=-40, labelOverlap=False)),
                y=alt.Y("from_segment:N", title="from", axis=alt.Axis(labelOverlap=False)),
                color=alt.Color("customer_share:Q", title="Share", scale=alt.Scale(scheme="blues")),
                tooltip=["from_segment", "to_segment", "customer_count",
                         alt.Tooltip("customer_share:Q", format=".0%")],
            )
            .properties(height=alt.Step(22))
        )  # fmt: skip
        chart(
            drawing, "Of each segment's customers, the share that each segment has a month later."
        )
