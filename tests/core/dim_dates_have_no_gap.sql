-- Prevents: a day that is missing from the calendar, and with it from every series by day.
with

calendar as (
    select
        min(date_day) as first_day,
        max(date_day) as last_day,
        count(*) as day_count,
        {{ dbt.datediff('min(date_day)', 'max(date_day)', 'day') }}
        + 1 as expected_day_count
    from {{ ref('dim_dates') }}
),

clock as (
    select as_of_date
    from {{ ref('as_of_date') }}
)

select
    calendar.first_day,
    calendar.last_day,
    calendar.day_count,
    calendar.expected_day_count,
    clock.as_of_date
from calendar
cross join clock
where
    calendar.day_count is distinct from calendar.expected_day_count
    or not coalesce(clock.as_of_date between calendar.first_day and calendar.last_day, false)
