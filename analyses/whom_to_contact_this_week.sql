-- Whom should we write to this week? The hundred customers who are likely to leave and have the most money
-- at stake, with the strongest reason and what to do about it.
with

customer_360 as (
    select
        customer_id,
        customer_name,
        email,
        segment_name,
        recommended_action,
        churn_probability,
        churn_reason_1,
        money_at_risk,
        last_order_date
    from {{ ref('customer_360') }}
    where risk_band in ('high', 'medium') and email is not null
),

ranked as (
    select
        *,
        row_number() over (order by money_at_risk desc, customer_id asc) as contact_rank
    from customer_360
),

whom_to_contact_this_week as (
    select
        contact_rank,
        customer_id,
        customer_name,
        email,
        segment_name,
        recommended_action,
        round(churn_probability, 2) as churn_probability,
        churn_reason_1,
        round(money_at_risk, 2) as money_at_risk,
        last_order_date
    from ranked
    where contact_rank <= 100
)

select * from whom_to_contact_this_week
order by contact_rank
