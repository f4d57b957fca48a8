-- Grain: one row per day whose customers are segmented: the first of each of the last months, the clock,
-- and one month before it, each with the day one month before.
with

snapshot_dates as (
    select
        snapshot_date,
        is_as_of_date,
        is_month_start
    from {{ ref('int_snapshot_dates') }}
),

clock as (
    select
        as_of_date,
        cast({{ dbt.dateadd('month', -1, 'as_of_date') }} as date) as month_before_date,
        cast({{ dbt.dateadd('month', -(var('segment_history_months') | int), 'as_of_date') }} as date)
            as first_date
    from {{ ref('as_of_date') }}
),

recent_dates as (
    select
        snapshot_dates.snapshot_date,
        snapshot_dates.is_as_of_date,
        snapshot_dates.is_month_start
    from snapshot_dates
    inner join clock
        on
            snapshot_dates.snapshot_date >= clock.first_date
            and (
                snapshot_dates.is_month_start
                or snapshot_dates.is_as_of_date
                or snapshot_dates.snapshot_date = clock.month_before_date
            )
),

int_segment_dates as (
    select
        recent_dates.snapshot_date,
        previous_dates.snapshot_date as previous_date,
        recent_dates.is_as_of_date,
        recent_dates.is_month_start
    from recent_dates
    left join recent_dates as previous_dates
        on
            cast({{ dbt.dateadd('month', -1, 'recent_dates.snapshot_date') }} as date)
            = previous_dates.snapshot_date
)

select * from int_segment_dates
