-- Prevents: customers, orders or revenue that no channel owns up to, for instance of a customer without a first
-- order, or without a row of churn or value.
with

orders as (
    select
        count(distinct customer_id) as customer_count,
        count(*) as order_count,
        sum(order_revenue) as revenue
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
),

channels as (
    select
        sum(customer_count) as customer_count,
        sum(order_count) as order_count,
        sum(revenue) as revenue
    from {{ ref('acquisition_channels') }}
)

select
    orders.customer_count,
    channels.customer_count as channel_customer_count,
    orders.order_count,
    channels.order_count as channel_order_count,
    orders.revenue,
    channels.revenue as channel_revenue
from orders
cross join channels
where
    orders.revenue is distinct from channels.revenue
    or orders.order_count is distinct from coalesce(channels.order_count, 0)
    or orders.customer_count is distinct from coalesce(channels.customer_count, 0)
