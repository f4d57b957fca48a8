-- Which ten products sold most units in the last 365 days, and what did they bring?
with

product_performance as (
    select
        product_id,
        product_name,
        category,
        unit_count_365,
        revenue_365,
        return_rate,
        row_number() over (order by unit_count_365 desc, revenue_365 desc, product_id asc) as sales_rank
    from {{ ref('product_performance') }}
    where unit_count_365 > 0
),

best_sellers as (
    select
        sales_rank,
        product_id,
        product_name,
        category,
        unit_count_365,
        revenue_365,
        round(100 * return_rate, 1) as return_percent
    from product_performance
    where sales_rank <= 10
)

select * from best_sellers
order by sales_rank
