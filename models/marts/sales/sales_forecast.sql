-- Grain: one row per day of the 28 from as_of_date. Expected figures add up; ends of intervals do not, so sums have their own.
with

forecast_days as (
    select
        measure,
        order_date,
        expected,
        low,
        high,
        total,
        low_total,
        high_total,
        forecast_method,
        forecast_status,
        status_reason
    from {{ ref('forecast_days') }}
),

sales_forecast as (
    select
        cast(order_date as date) as order_date,
        {% for measure in ['revenue', 'units'] -%}
        {% for column, name in {
            'expected': 'expected', 'low': 'low', 'high': 'high',
            'total': 'cumulative', 'low_total': 'low_cumulative', 'high_total': 'high_cumulative',
        }.items() -%}
        cast(max(case when measure = '{{ measure }}' then {{ column }} end) as decimal(18, 2)) as {{ name }}_{{ measure }},
        {% endfor -%}
        {% endfor -%}
        max(case when measure = 'revenue' then forecast_status end) as forecast_status,
        nullif(max(case when measure = 'revenue' then status_reason end), '') as status_reason,
        nullif(max(case when measure = 'revenue' then forecast_method end), '') as forecast_method,
        {{ as_of_date() }} as as_of_date
    from forecast_days
    group by 1
)

select * from sales_forecast
