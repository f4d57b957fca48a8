-- Prevents: a day's sales that are lost, or counted twice where refunds and the calendar are joined.
with

orders as (
    select
        order_date,
        count(*) as order_count,
        sum(order_revenue) as revenue
    from {{ ref('fct_orders') }}
    where not is_cancelled
    group by 1
),

daily as (
    select
        order_date,
        order_count,
        revenue
    from {{ ref('daily_sales') }}
    where order_count <> 0 or revenue <> 0
)

select
    orders.order_date,
    daily.order_date as daily_order_date,
    orders.revenue,
    daily.revenue as daily_revenue
from orders
full outer join daily
    on orders.order_date = daily.order_date
where
    orders.order_count is distinct from daily.order_count
    or orders.revenue is distinct from daily.revenue
