-- Which products tie up money and bring little? Those with stock for longer than the shop calls too much, or without a
-- sale in 90 days, whose margin rate is below the median of all products; the most money in stock first. A product that
-- never sold has no margin rate and counts as low.
with

inventory_status as (
    select
        product_id,
        product_name,
        category,
        stock_quantity,
        available_quantity,
        stock_value,
        unit_count_90,
        days_of_cover,
        stock_status
    from {{ ref('inventory_status') }}
    where stock_status in ('no_demand', 'overstock')
),

product_performance as (
    select
        product_id,
        margin_rate,
        last_sale_date
    from {{ ref('product_performance') }}
),

usual as (
    select percentile_cont(0.5) within group (order by margin_rate) as margin_rate
    from product_performance
),

products_to_drop as (
    select
        inventory_status.product_id,
        inventory_status.product_name,
        inventory_status.category,
        inventory_status.stock_status,
        inventory_status.stock_quantity,
        inventory_status.available_quantity,
        inventory_status.stock_value,
        inventory_status.unit_count_90,
        round(inventory_status.days_of_cover) as days_of_cover,
        round(100 * product_performance.margin_rate, 1) as margin_percent,
        product_performance.last_sale_date
    from inventory_status
    inner join product_performance
        on inventory_status.product_id = product_performance.product_id
    cross join usual
    where product_performance.margin_rate is null or product_performance.margin_rate <= usual.margin_rate
)

select * from products_to_drop
order by coalesce(stock_value, 0) desc, stock_quantity desc, product_id asc
