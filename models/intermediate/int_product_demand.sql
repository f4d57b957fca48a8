-- Grain: one row per product whose stock is counted. Units add up; rates and deviations do not.
{#- Days that demand is read from; of a product sold for less, the days since its first sale, but two weeks at least. -#}
{%- set demand_days, fewest_days = 90, 14 %}
with

products as (
    select product_id
    from {{ ref('int_product_stock') }}
),

order_lines as (
    select
        product_id,
        order_date,
        quantity
    from {{ ref('fct_order_lines') }}
    where not is_cancelled
),

first_sales as (
    select
        product_id,
        min(order_date) as first_sale_date,
        max(order_date) as last_sale_date
    from order_lines
    group by 1
),

daily as (
    select
        product_id,
        order_date,
        sum(quantity) as units
    from order_lines
    where order_date >= cast({{ dbt.dateadd('day', -demand_days, as_of_date()) }} as date)
    group by 1, 2
),

summed as (
    select
        product_id,
        sum(units) as units,
        sum(cast(units as decimal(38, 0)) * units) as squared_units,
        count(*) as sale_days
    from daily
    group by 1
),

observed as (
    select
        products.product_id,
        coalesce(summed.units, 0) as units,
        cast(coalesce(summed.squared_units, 0) as double) as squared_units,
        coalesce(summed.sale_days, 0) as sale_days,
        first_sales.last_sale_date,
        least(
            {{ demand_days }},
            greatest(
                {{ fewest_days }},
                coalesce({{ dbt.datediff('first_sales.first_sale_date', as_of_date(), 'day') }}, {{ demand_days }})
            )
        ) as observed_days
    from products
    left join first_sales
        on products.product_id = first_sales.product_id
    left join summed
        on products.product_id = summed.product_id
),

int_product_demand as (
    select
        product_id,
        cast(units as bigint) as unit_count_90,
        cast(sale_days as integer) as sale_days,
        cast(observed_days as integer) as observed_days,
        last_sale_date,
        cast(units as double) / observed_days as daily_demand,
        -- Demand varies at least as orders that come by chance do (Poisson).
        greatest(
            (squared_units - cast(units as double) * units / observed_days) / (observed_days - 1),
            cast(units as double) / observed_days
        ) as daily_variance
    from observed
)

select * from int_product_demand
