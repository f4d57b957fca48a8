-- Grain: one row per segmentation, month, and pair of segments that a customer went between or stayed in.
-- customer_count adds up within a segmentation and month; customer_share does not.
with

segment_dates as (
    select
        snapshot_date,
        previous_date
    from {{ ref('int_segment_dates') }}
    where previous_date is not null and (is_month_start or is_as_of_date)
),

segment_scores as (
    select
        customer_id,
        snapshot_date,
        segment_id
    from {{ ref('segment_scores') }}
    where segment_id is not null
),

segment_parameters as (
    select
        segment_id,
        segment_name
    from {{ ref('segment_parameters') }}
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
        rfm_segment
    from {{ ref('rfm_segments') }}
),

names as (
    select
        segment_id,
        segment_name
    from segment_parameters
    group by 1, 2
),

memberships as (
    select
        'kmeans' as segmentation,
        segment_scores.customer_id,
        segment_scores.snapshot_date,
        names.segment_name
    from segment_scores
    inner join names
        on segment_scores.segment_id = names.segment_id
    union all
    select
        'rfm' as segmentation,
        customer_snapshots.customer_id,
        customer_snapshots.snapshot_date,
        rfm_segments.rfm_segment as segment_name
    from customer_snapshots
    inner join rfm_segments
        on
            customer_snapshots.r_score = rfm_segments.r_score
            and customer_snapshots.f_score = rfm_segments.f_score
            and customer_snapshots.m_score = rfm_segments.m_score
),

moved as (
    select
        memberships.segmentation,
        segment_dates.snapshot_date,
        segment_dates.previous_date,
        coalesce(previous_memberships.segment_name, 'Not yet a customer') as from_segment,
        memberships.segment_name as to_segment,
        count(*) as customer_count
    from memberships
    inner join segment_dates
        on memberships.snapshot_date = segment_dates.snapshot_date
    left join memberships as previous_memberships
        on
            memberships.segmentation = previous_memberships.segmentation
            and memberships.customer_id = previous_memberships.customer_id
            and segment_dates.previous_date = previous_memberships.snapshot_date
    group by 1, 2, 3, 4, 5
),

segment_movements as (
    select
        segmentation,
        snapshot_date,
        previous_date,
        from_segment,
        to_segment,
        cast(customer_count as integer) as customer_count,
        cast(customer_count as double)
        / sum(customer_count) over (partition by segmentation, snapshot_date, from_segment) as customer_share,
        {{ as_of_date() }} as as_of_date
    from moved
)

select * from segment_movements
