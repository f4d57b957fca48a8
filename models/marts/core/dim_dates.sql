-- Grain: one row per calendar day, from the year of the first order or return to the year of as_of_date.
with

days as (
    -- 2^16 days from 1990-01-01, the first day an order can have.
    select
        cast(
            {{ dbt.dateadd('day', 'cast(generated_number as integer) - 1', "cast('1990-01-01' as date)") }}
            as date
        ) as date_day
    from ({{ dbt.generate_series(65536) }}) as numbers
),

first_dates as (
    select {{ local_date('min(ordered_at)') }} as first_date
    from {{ ref('stg_shop__orders') }}
    union all
    select {{ local_date('min(returned_at)') }} as first_date
    from {{ ref('stg_shop__returns') }}
),

bounds as (
    select
        {{ dbt.date_trunc('year', 'coalesce(min(first_dates.first_date), ' ~ as_of_date() ~ ')') }} as first_date,
        {{ dbt.dateadd('year', 1, dbt.date_trunc('year', as_of_date())) }} as end_date
    from first_dates
),

dim_dates as (
    select
        days.date_day,
        cast(extract(year from days.date_day) as integer) as year_number,
        cast(extract(quarter from days.date_day) as integer) as quarter_number,
        cast(extract(month from days.date_day) as integer) as month_number,
        cast(extract(day from days.date_day) as integer) as day_of_month,
        cast({{ day_of_week('days.date_day') }} as integer) as day_of_week,
        cast({{ dbt.date_trunc('month', 'days.date_day') }} as date) as month_start_date,
        {{ day_of_week('days.date_day') }} >= 6 as is_weekend
    from days
    inner join bounds
        on
            days.date_day >= bounds.first_date
            and days.date_day < bounds.end_date
)

select * from dim_dates
