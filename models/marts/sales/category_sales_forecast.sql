-- Grain: one row per day of the 28 from as_of_date and category. Everything adds up, to sales_forecast.
with

sales_forecast as (
    select
        order_date,
        expected_revenue,
        expected_units,
        forecast_status,
        status_reason,
        as_of_date
    from {{ ref('sales_forecast') }}
),

daily_category_sales as (
    select
        order_date,
        category,
        unit_count,
        revenue
    from {{ ref('daily_category_sales') }}
),

last_sale as (
    select max(order_date) as last_sale_date
    from daily_category_sales
    where unit_count > 0
),

-- What each category sold in the 91 days up to the last sale.
recent as (
    select
        daily_category_sales.category,
        cast(sum(
            case
                when daily_category_sales.order_date > {{ dbt.dateadd('day', -91, 'last_sale.last_sale_date') }}
                    then daily_category_sales.revenue
                else 0
            end
        ) as decimal(28, 2)) as revenue,
        cast(sum(
            case
                when daily_category_sales.order_date > {{ dbt.dateadd('day', -91, 'last_sale.last_sale_date') }}
                    then daily_category_sales.unit_count
                else 0
            end
        ) as decimal(28, 2)) as units
    from daily_category_sales
    cross join last_sale
    group by 1
),

-- Where the share of a category begins and ends on the way from 0 to 1: rounded, its ends add up to the cent.
shares as (
    select
        {% for measure in ['revenue', 'units'] -%}
        cast(sum({{ measure }}) over (order by category rows between unbounded preceding and current row) - {{ measure }} as double)
        / cast(nullif(sum({{ measure }}) over (), 0) as double) as {{ measure }}_begin,
        cast(sum({{ measure }}) over (order by category rows between unbounded preceding and current row) as double)
        / cast(nullif(sum({{ measure }}) over (), 0) as double) as {{ measure }}_end,
        {% endfor -%}
        category
    from recent
),

category_sales_forecast as (
    select
        sales_forecast.order_date,
        shares.category,
        {% for measure in ['revenue', 'units'] -%}
        cast(
            cast(cast(sales_forecast.expected_{{ measure }} as double) * shares.{{ measure }}_end as decimal(18, 2))
            - cast(cast(sales_forecast.expected_{{ measure }} as double) * shares.{{ measure }}_begin as decimal(18, 2))
            as decimal(18, 2)
        ) as expected_{{ measure }},
        {% endfor -%}
        sales_forecast.forecast_status,
        sales_forecast.status_reason,
        sales_forecast.as_of_date
    from sales_forecast
    cross join shares
)

select * from category_sales_forecast
