-- Grain: one row per customer and day that customers are segmented on, from the customer's first order on. Nothing
-- adds up.
with

segment_dates as (
    select snapshot_date
    from {{ ref('int_segment_dates') }}
),

customer_snapshots as (
    select
        customer_id,
        snapshot_date,
        r_score,
        f_score,
        m_score
    from {{ ref('int_customer_snapshots') }}
),

rfm_segments as (
    select
        r_score,
        f_score,
        m_score,
        rfm_code,
        rfm_segment
    from {{ ref('rfm_segments') }}
),

segment_scores as (
    select
        customer_id,
        snapshot_date,
        segment_id
    from {{ ref('segment_scores') }}
),

segment_parameters as (
    select
        segment_id,
        segment_name
    from {{ ref('segment_parameters') }}
),

names as (
    select
        segment_id,
        segment_name
    from segment_parameters
    group by 1, 2
),

segment_history as (
    select
        customer_snapshots.customer_id,
        customer_snapshots.snapshot_date,
        customer_snapshots.r_score,
        customer_snapshots.f_score,
        customer_snapshots.m_score,
        rfm_segments.rfm_code,
        rfm_segments.rfm_segment,
        segment_scores.segment_id,
        names.segment_name,
        {{ as_of_date() }} as as_of_date
    from customer_snapshots
    inner join segment_dates
        on customer_snapshots.snapshot_date = segment_dates.snapshot_date
    inner join rfm_segments
        on
            customer_snapshots.r_score = rfm_segments.r_score
            and customer_snapshots.f_score = rfm_segments.f_score
            and customer_snapshots.m_score = rfm_segments.m_score
    left join segment_scores
        on
            customer_snapshots.customer_id = segment_scores.customer_id
            and customer_snapshots.snapshot_date = segment_scores.snapshot_date
    left join names
        on segment_scores.segment_id = names.segment_id
)

select * from segment_history
