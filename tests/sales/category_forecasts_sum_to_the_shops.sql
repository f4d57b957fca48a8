-- Prevents: plans by category that do not add up to the plan of the shop.
with

shop as (
    select
        order_date,
        expected_revenue,
        expected_units
    from {{ ref('sales_forecast') }}
),

categories as (
    select
        order_date,
        sum(expected_revenue) as expected_revenue,
        sum(expected_units) as expected_units
    from {{ ref('category_sales_forecast') }}
    group by 1
)

select
    shop.order_date,
    shop.expected_revenue,
    categories.expected_revenue as category_revenue
from shop
left join categories
    on shop.order_date = categories.order_date
where
    shop.expected_revenue is distinct from categories.expected_revenue
    or shop.expected_units is distinct from categories.expected_units
