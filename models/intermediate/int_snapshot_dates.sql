-- Grain: one row per day that customers are looked at from. The starts of months stay where they are
-- when the clock moves, so what was built for them is kept; the other days move with the clock.
with

customer_days as (
    select
        customer_id,
        activity_date,
        order_count,
        revenue,
        discount,
        refund,
        product_count,
        new_category_count,
        return_count,
        event_count
    from {{ ref('int_customer_days') }}
),

clock as (
    select as_of_date
    from {{ ref('as_of_date') }}
),

calendar as (
    select date_day
    from {{ ref('dim_dates') }}
    where day_of_month = 1
),

firsts as (
    select
        min(case when order_count > 0 then activity_date end) as first_order_date,
        min(case when event_count > 0 then activity_date end) as first_event_date
    from customer_days
),

{% set horizon = var('churn_horizon_days') | int -%}
moving_dates as (
    select
        as_of_date,
        as_of_date as snapshot_date
    from clock
    union all
    select
        as_of_date,
        cast({{ dbt.dateadd('month', -1, 'as_of_date') }} as date) as snapshot_date
    from clock
    {% for horizons in [1, 2] -%}
    union all
    select
        as_of_date,
        cast({{ dbt.dateadd('day', -horizon * horizons, 'as_of_date') }} as date) as snapshot_date
    from clock
    {% endfor -%}
    union all
    select
        clock.as_of_date,
        calendar.date_day as snapshot_date
    from calendar
    inner join clock
        on calendar.date_day <= clock.as_of_date
),

dates as (
    select
        moving_dates.as_of_date,
        moving_dates.snapshot_date,
        firsts.first_order_date,
        firsts.first_event_date
    from moving_dates
    cross join firsts
    where
        moving_dates.snapshot_date > firsts.first_order_date
        or moving_dates.snapshot_date = moving_dates.as_of_date
    group by 1, 2, 3, 4
),

daily_fingerprints as (
    select
        activity_date,
        count(*) as row_count,
        sum({{ hash_number([
            'customer_id', 'activity_date', 'order_count', 'revenue', 'discount', 'refund',
            'product_count', 'new_category_count', 'return_count', 'event_count',
        ]) }}) as row_hash
    from customer_days
    group by 1
),

fingerprints as (
    select
        dates.snapshot_date,
        coalesce(sum(daily_fingerprints.row_count), 0) as row_count,
        coalesce(sum(daily_fingerprints.row_hash), 0) as row_hash
    from dates
    left join daily_fingerprints
        on dates.snapshot_date > daily_fingerprints.activity_date
    group by 1
),

int_snapshot_dates as (
    select
        dates.snapshot_date,
        dates.snapshot_date = dates.as_of_date as is_as_of_date,
        dates.snapshot_date = cast({{ dbt.dateadd('day', -horizon, 'dates.as_of_date') }} as date)
            as is_test_date,
        -- The start of a month, whose features are kept: the newest whose year is over.
        dates.snapshot_date = cast({{ dbt.date_trunc('month', dbt.dateadd('day', -365, 'dates.as_of_date')) }} as date)
            as is_year_test_date,
        extract(day from dates.snapshot_date) = 1 as is_month_start,
        -- The horizon stands in one of the features, and M is gross or net.
        cast(fingerprints.row_count as varchar) || '-' || cast(fingerprints.row_hash as varchar)
        || '-{{ horizon }}-{{ scored_monetary() }}' as history_fingerprint,
        coalesce(dates.first_event_date < dates.snapshot_date, false) as has_events,
        cast(
            {{ dbt.datediff('dates.first_order_date', 'dates.snapshot_date', 'day') }}
            as integer
        ) as history_days
    from dates
    inner join fingerprints
        on dates.snapshot_date = fingerprints.snapshot_date
)

select * from int_snapshot_dates
