-- Which ten products earned the most margin so far, and at what rate? Only products whose cost is known.
with

product_performance as (
    select
        margin_rank,
        product_id,
        product_name,
        category,
        margin,
        margin_rate,
        revenue,
        refund_amount
    from {{ ref('product_performance') }}
),

most_profitable_products as (
    select
        margin_rank,
        product_id,
        product_name,
        category,
        margin,
        round(100 * margin_rate, 1) as margin_percent,
        revenue,
        refund_amount
    from product_performance
    where margin_rank <= 10
)

select * from most_profitable_products
order by margin_rank
