-- Grain: one row per segmentation, day, number of months before it, and pair of segments that a customer went between
-- or stayed in. customer_count adds up within a segmentation, day and number of months; customer_share does not.
with

segment_dates as (
    select
        snapshot_date,
        is_month_start or is_as_of_date as is_shown
    from {{ ref('int_segment_dates') }}
),

segment_history as (
    select
        customer_id,
        snapshot_date,
        rfm_segment,
        segment_name
    from {{ ref('segment_history') }}
),

pairs as (
    {% for months in [1, 3, 12] -%}
    select
        segment_dates.snapshot_date,
        previous_dates.snapshot_date as previous_date,
        {{ months }} as month_count
    from segment_dates
    inner join segment_dates as previous_dates
        on cast({{ dbt.dateadd('month', -months, 'segment_dates.snapshot_date') }} as date) = previous_dates.snapshot_date
    where segment_dates.is_shown
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

memberships as (
    select
        'kmeans' as segmentation,
        customer_id,
        snapshot_date,
        segment_name
    from segment_history
    where segment_name is not null
    union all
    select
        'rfm' as segmentation,
        customer_id,
        snapshot_date,
        rfm_segment as segment_name
    from segment_history
),

moved as (
    select
        memberships.segmentation,
        pairs.snapshot_date,
        pairs.previous_date,
        pairs.month_count,
        coalesce(previous_memberships.segment_name, 'Not yet a customer') as from_segment,
        memberships.segment_name as to_segment,
        count(*) as customer_count
    from memberships
    inner join pairs
        on memberships.snapshot_date = pairs.snapshot_date
    left join memberships as previous_memberships
        on
            memberships.segmentation = previous_memberships.segmentation
            and memberships.customer_id = previous_memberships.customer_id
            and pairs.previous_date = previous_memberships.snapshot_date
    group by 1, 2, 3, 4, 5, 6
),

segment_movements as (
    select
        segmentation,
        snapshot_date,
        previous_date,
        cast(month_count as integer) as month_count,
        from_segment,
        to_segment,
        cast(customer_count as integer) as customer_count,
        cast(customer_count as double)
        / sum(customer_count) over (partition by segmentation, snapshot_date, month_count, from_segment)
            as customer_share,
        {{ as_of_date() }} as as_of_date
    from moved
)

select * from segment_movements
