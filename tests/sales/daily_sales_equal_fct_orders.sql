-- Prevents: a day's sales or refunds that are lost, or counted twice where they and the calendar are joined.
with

orders as (
    select
        order_date,
        count(*) as order_count,
        sum(order_revenue) as revenue,
        cast(0 as decimal(18, 2)) as refund_amount
    from {{ ref('fct_orders') }}
    where not is_cancelled
    group by 1
    union all
    select
        return_date as order_date,
        0 as order_count,
        0 as revenue,
        sum(refund_amount) as refund_amount
    from {{ ref('fct_returns') }}
    group by 1
),

expected as (
    select
        order_date,
        sum(order_count) as order_count,
        sum(revenue) as revenue,
        sum(revenue) - sum(refund_amount) as net_revenue
    from orders
    group by 1
    having sum(order_count) <> 0 or sum(refund_amount) <> 0
),

daily as (
    select
        order_date,
        order_count,
        revenue,
        net_revenue
    from {{ ref('daily_sales') }}
    where order_count <> 0 or revenue <> 0 or net_revenue <> 0 or refund_amount <> 0
)

select
    expected.order_date,
    daily.order_date as daily_order_date,
    expected.revenue,
    daily.revenue as daily_revenue,
    expected.net_revenue,
    daily.net_revenue as daily_net_revenue
from expected
full outer join daily
    on expected.order_date = daily.order_date
where
    expected.order_count is distinct from daily.order_count
    or expected.revenue is distinct from daily.revenue
    or expected.net_revenue is distinct from daily.net_revenue
