-- Which products tie up money, or a place in the shop, and bring little? The rule stands with `is_drop_candidate` of
-- product_performance; the most money in stock first.
with

product_performance as (
    select
        product_id,
        product_name,
        category,
        lifecycle,
        stock_status,
        stock_quantity,
        stock_value,
        unit_count_365,
        revenue_365,
        margin_365,
        margin_rate,
        return_rate,
        days_since_last_sale
    from {{ ref('product_performance') }}
    where is_drop_candidate
),

products_to_drop as (
    select
        product_id,
        product_name,
        category,
        lifecycle,
        stock_status,
        stock_quantity,
        stock_value,
        unit_count_365,
        revenue_365,
        margin_365,
        round(100 * margin_rate, 1) as margin_percent,
        round(100 * return_rate, 1) as return_percent,
        days_since_last_sale
    from product_performance
)

select * from products_to_drop
order by coalesce(stock_value, 0) desc, coalesce(stock_quantity, 0) desc, product_id asc
