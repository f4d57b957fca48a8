-- Grain: one row per customer with an order. frequency, monetary and net_monetary add up; scores do not.
with

customer_rfm_history as (
    select
        customer_id,
        snapshot_date,
        recency_days,
        frequency,
        monetary,
        net_monetary,
        r_score,
        f_score,
        m_score,
        rfm_code,
        rfm_segment,
        recommended_action
    from {{ ref('int_customer_rfm') }}
),

current_scores as (
    select *
    from customer_rfm_history
    where snapshot_date = {{ as_of_date() }}
),

previous_scores as (
    select
        customer_id,
        rfm_segment
    from customer_rfm_history
    where snapshot_date < {{ as_of_date() }}
),

customer_rfm as (
    select
        current_scores.customer_id,
        cast(current_scores.recency_days as integer) as recency_days,
        cast(current_scores.frequency as integer) as frequency,
        current_scores.monetary,
        current_scores.net_monetary,
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
