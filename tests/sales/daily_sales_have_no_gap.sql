-- Prevents: a day without a sale that is missing instead of 0, which would shift averages and forecasts.
with

daily as (
    select
        min(order_date) as first_day,
        max(order_date) as last_day,
        count(*) as day_count,
        {{ dbt.datediff('min(order_date)', 'max(order_date)', 'day') }}
        + 1 as expected_day_count
    from {{ ref('daily_sales') }}
),

clock as (
    select cast({{ dbt.dateadd('day', -1, 'as_of_date') }} as date) as day_before
    from {{ ref('as_of_date') }}
)

select
    daily.first_day,
    daily.last_day,
    daily.day_count,
    daily.expected_day_count,
    clock.day_before
from daily
cross join clock
where
    daily.day_count > 0
    and (
        daily.day_count is distinct from daily.expected_day_count
        or daily.last_day is distinct from clock.day_before
    )
