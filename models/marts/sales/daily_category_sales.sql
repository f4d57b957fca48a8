-- Grain: one row per day and product category, days without a sale included. Units and money add up; order_count does
-- not: an order can hold several categories.
with

order_lines as (
    select
        order_id,
        product_id,
        order_date,
        quantity,
        line_revenue,
        line_margin
    from {{ ref('fct_order_lines') }}
    where not is_cancelled
),

products as (
    select
        product_id,
        coalesce(category, 'No category') as category
    from {{ ref('dim_products') }}
),

days as (
    select order_date
    from {{ ref('daily_sales') }}
),

summed as (
    select
        order_lines.order_date,
        products.category,
        count(distinct order_lines.order_id) as order_count,
        sum(order_lines.quantity) as unit_count,
        sum(order_lines.line_revenue) as revenue,
        sum(order_lines.line_margin) as margin
    from order_lines
    inner join products
        on order_lines.product_id = products.product_id
    group by 1, 2
),

categories as (
    select category
    from summed
    group by 1
),

daily_category_sales as (
    select
        days.order_date,
        categories.category,
        cast(coalesce(summed.order_count, 0) as integer) as order_count,
        cast(coalesce(summed.unit_count, 0) as bigint) as unit_count,
        cast(coalesce(summed.revenue, 0) as decimal(18, 2)) as revenue,
        cast(summed.margin as decimal(18, 2)) as margin
    from days
    cross join categories
    left join summed
        on
            days.order_date = summed.order_date
            and categories.category = summed.category
)

select * from daily_category_sales
