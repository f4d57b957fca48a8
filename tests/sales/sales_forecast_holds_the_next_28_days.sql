-- Prevents: a forecast that begins late, has a gap, or forecasts days that are past.
with

clock as (
    select as_of_date
    from {{ ref('as_of_date') }}
),

forecast_days as (
    select
        count(*) as day_count,
        min(order_date) as first_date,
        max(order_date) as last_date
    from {{ ref('sales_forecast') }}
)

select
    forecast_days.day_count,
    forecast_days.first_date,
    forecast_days.last_date
from forecast_days
cross join clock
where
    forecast_days.day_count != 28
    or forecast_days.first_date is distinct from clock.as_of_date
    or forecast_days.last_date is distinct from cast({{ dbt.dateadd('day', 27, 'clock.as_of_date') }} as date)
