-- Grain: one row per customer and snapshot date: as_of_date, and one month before.
with

activities as (
    select
        customer_id,
        order_date as activity_date,
        1 as order_count,
        order_revenue as revenue,
        0 as refund
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
    union all
    select
        customer_id,
        return_date as activity_date,
        0 as order_count,
        0 as revenue,
        refund_amount as refund
    from {{ ref('fct_returns') }}
    where customer_id is not null
),

snapshot_dates as (
    select as_of_date as snapshot_date
    from {{ ref('as_of_date') }}
    union all
    select cast({{ dbt.dateadd('month', -1, 'as_of_date') }} as date) as snapshot_date
    from {{ ref('as_of_date') }}
),

scored as (
    {{ rfm_history('activities', 'snapshot_dates') }}
),

rfm_segments as (
    select
        rfm_code,
        r_score,
        f_score,
        m_score,
        rfm_segment,
        recommended_action
    from {{ ref('rfm_segments') }}
),

int_customer_rfm as (
    select
        scored.customer_id,
        scored.snapshot_date,
        scored.recency_days,
        scored.frequency,
        scored.monetary,
        scored.net_monetary,
        scored.r_score,
        scored.f_score,
        scored.m_score,
        rfm_segments.rfm_code,
        rfm_segments.rfm_segment,
        rfm_segments.recommended_action
    from scored
    inner join rfm_segments
        on
            scored.r_score = rfm_segments.r_score
            and scored.f_score = rfm_segments.f_score
            and scored.m_score = rfm_segments.m_score
)

select * from int_customer_rfm
