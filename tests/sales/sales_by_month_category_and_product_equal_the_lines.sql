-- Prevents: a mart of sales that lost or doubled a line on its way: by month, by category, by product, in total.
with

order_lines as (
    select
        sum(quantity) as unit_count,
        sum(line_revenue) as revenue
    from {{ ref('fct_order_lines') }}
    where not is_cancelled
),

marts as (
    select
        'monthly_sales' as mart,
        sum(unit_count) as unit_count,
        sum(revenue) as revenue
    from {{ ref('monthly_sales') }}
    union all
    select
        'daily_category_sales' as mart,
        sum(unit_count) as unit_count,
        sum(revenue) as revenue
    from {{ ref('daily_category_sales') }}
    union all
    select
        'product_performance' as mart,
        sum(unit_count) as unit_count,
        sum(revenue) as revenue
    from {{ ref('product_performance') }}
)

select
    marts.mart,
    order_lines.unit_count,
    marts.unit_count as mart_unit_count,
    order_lines.revenue,
    marts.revenue as mart_revenue
from marts
cross join order_lines
where
    coalesce(marts.unit_count, 0) is distinct from coalesce(order_lines.unit_count, 0)
    or coalesce(marts.revenue, 0) is distinct from coalesce(order_lines.revenue, 0)
