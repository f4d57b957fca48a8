-- Which regulars fell silent, and how much money is at risk? Customers of five orders or more with a high risk of
-- leaving, the most money at risk first. By id: `whom_to_contact_this_week` has names and addresses.
with

customer_360 as (
    select
        customer_id,
        segment_name,
        frequency,
        recency_days,
        monetary,
        churn_probability,
        churn_reason_1,
        money_at_risk
    from {{ ref('customer_360') }}
    where risk_band = 'high' and frequency >= 5
),

regulars_who_fell_silent as (
    select
        customer_id,
        segment_name,
        frequency as order_count,
        recency_days as silent_days,
        monetary as revenue,
        round(churn_probability, 2) as churn_probability,
        churn_reason_1,
        round(money_at_risk, 2) as money_at_risk
    from customer_360
)

select * from regulars_who_fell_silent
order by coalesce(money_at_risk, 0) desc, customer_id asc
