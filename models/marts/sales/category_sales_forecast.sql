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

-- Rounded running sums: their differences add up to the shop's forecast to the cent.
running as (
    select
        category,
        {% for measure in ['revenue', 'units'] -%}
        {{ measure }},
        cast(sum({{ measure }}) over (order by category rows between unbounded preceding and current row) as double)
        / cast(nullif(sum({{ measure }}) over (), 0) as double) as {{ measure }}_end,
        {% endfor -%}
        row_number() over (order by category) as category_rank
    from recent
),

bounds as (
    select
        category,
        {% for measure in ['revenue', 'units'] -%}
        {{ measure }}_end,
        coalesce(lag({{ measure }}_end) over (order by category_rank), 0) as {{ measure }}_start{{ ',' if not loop.last }}
        {% endfor %}
    from running
),

category_sales_forecast as (
    select
        sales_forecast.order_date,
        bounds.category,
        {% for measure in ['revenue', 'units'] -%}
        cast(
            cast(cast(sales_forecast.expected_{{ measure }} as double) * bounds.{{ measure }}_end as decimal(18, 2))
            - cast(cast(sales_forecast.expected_{{ measure }} as double) * bounds.{{ measure }}_start as decimal(18, 2))
            as decimal(18, 2)
        ) as expected_{{ measure }},
        {% endfor -%}
        sales_forecast.forecast_status,
        sales_forecast.status_reason,
        sales_forecast.as_of_date
    from sales_forecast
    cross join bounds
)

select * from category_sales_forecast
