-- Grain: one row per product whose stock is counted. Nothing adds up across rows.
-- Demand of h days is taken for gamma distributed: mean h x daily mean; variance h x daily variance, and h^2 / n of it
-- because the mean itself is known from n days only. The chance that it reaches the stock is read from the cube
-- root, which is nearly normal (Wilson and Hilferty 1931, The distribution of chi-square).
{%- set horizons = [7, 14, 28] %}
with

products as (
    select
        product_id,
        product_name,
        category,
        brand
    from {{ ref('dim_products') }}
),

product_stock as (
    select
        product_id,
        days_since_count,
        stock_quantity,
        available_quantity,
        stock_in_words
    from {{ ref('int_product_stock') }}
),

product_demand as (
    select
        product_id,
        observed_days,
        sale_days,
        daily_demand,
        daily_variance
    from {{ ref('int_product_demand') }}
),

shapes as (
    select
        product_demand.product_id,
        product_stock.days_since_count,
        product_stock.stock_quantity,
        product_stock.available_quantity,
        product_stock.stock_in_words,
        product_demand.observed_days,
        product_demand.sale_days,
        product_demand.daily_demand,
        product_demand.daily_variance,
        {% for horizon in horizons -%}
        -- The inverse of 9 x the gamma's shape.
        (
            {{ horizon }} * product_demand.daily_variance
            + {{ horizon * horizon }} * product_demand.daily_variance / product_demand.observed_days
        )
        / nullif({{ horizon * horizon * 9 }} * product_demand.daily_demand * product_demand.daily_demand, 0)
            as spread_{{ horizon }},
        {% endfor -%}
        product_stock.available_quantity / nullif(product_demand.daily_demand, 0) as days_of_cover
    from product_demand
    inner join product_stock
        on product_demand.product_id = product_stock.product_id
),

chances as (
    select
        product_id,
        days_since_count,
        stock_quantity,
        available_quantity,
        stock_in_words,
        observed_days,
        sale_days,
        daily_demand,
        daily_variance,
        {% for horizon in horizons -%}
        {% set cube_root = 'power((available_quantity - 0.5) / (' ~ horizon ~ ' * daily_demand), cast(1 as double) / 3)' -%}
        case
            when available_quantity is null then null
            when available_quantity = 0 then 1
            when daily_demand = 0 then 0
            else 1 - {{ normal_chance('(' ~ cube_root ~ ' - 1 + spread_' ~ horizon ~ ') / sqrt(spread_' ~ horizon ~ ')') }}
        end as chance_{{ horizon }},
        {% endfor -%}
        days_of_cover
    from shapes
),

stockout_forecast as (
    select
        chances.product_id,
        products.product_name,
        products.category,
        products.brand,
        chances.days_since_count,
        chances.stock_quantity,
        chances.available_quantity,
        chances.daily_demand,
        sqrt(chances.daily_variance) as daily_deviation,
        case
            -- Beyond a year demand is another.
            when chances.days_of_cover <= 365
                then cast({{ dbt.dateadd('day', 'cast(floor(chances.days_of_cover) as integer)', as_of_date()) }} as date)
        end as expected_stockout_date,
        {% for horizon in horizons -%}
        cast(chances.chance_{{ horizon }} as double) as stockout_chance_{{ horizon }},
        {% endfor -%}
        case
            when chances.available_quantity = 0 then 'Out of stock: ' || chances.stock_in_words || '.'
            when chances.daily_demand = 0 then 'None sold in 90 days.'
            else
                chances.stock_in_words || '; sold on '
                || cast(chances.sale_days as varchar) || ' of ' || cast(chances.observed_days as varchar) || ' days.'
        end as stockout_reason,
        {{ as_of_date() }} as as_of_date
    from chances
    inner join products
        on chances.product_id = products.product_id
)

select * from stockout_forecast
