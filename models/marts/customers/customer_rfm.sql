-- Grain: one row per customer with an order. monetary and frequency add up; scores do not.
with

customer_snapshots as (
    select
        customer_id,
        snapshot_date,
        recency_days,
        frequency,
        monetary,
        r_score,
        f_score,
        m_score
    from {{ ref('int_customer_snapshots') }}
    where
        snapshot_date = {{ as_of_date() }}
        or snapshot_date = cast({{ dbt.dateadd('month', -1, as_of_date()) }} as date)
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

named as (
    select
        customer_snapshots.customer_id,
        customer_snapshots.snapshot_date,
        customer_snapshots.recency_days,
        customer_snapshots.frequency,
        customer_snapshots.monetary,
        customer_snapshots.r_score,
        customer_snapshots.f_score,
        customer_snapshots.m_score,
        rfm_segments.rfm_code,
        rfm_segments.rfm_segment,
        rfm_segments.recommended_action
    from customer_snapshots
    inner join rfm_segments
        on
            customer_snapshots.r_score = rfm_segments.r_score
            and customer_snapshots.f_score = rfm_segments.f_score
            and customer_snapshots.m_score = rfm_segments.m_score
),

current_scores as (
    select *
    from named
    where snapshot_date = {{ as_of_date() }}
),

previous_scores as (
    select
        customer_id,
        rfm_segment
    from named
    where snapshot_date < {{ as_of_date() }}
),

customer_rfm as (
    select
        current_scores.customer_id,
        current_scores.recency_days,
        current_scores.frequency,
        current_scores.monetary,
        current_scores.r_score,
        current_scores.f_score,
        current_scores.m_score,
        current_scores.rfm_code,
        current_scores.rfm_segment,
        current_scores.recommended_action,
        previous_scores.rfm_segment as previous_rfm_segment,
        current_scores.snapshot_date as as_of_date
    from current_scores
    left join previous_scores
        on current_scores.customer_id = previous_scores.customer_id
)

select * from customer_rfm
