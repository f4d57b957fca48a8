-- Prevents: a customer missing from the wide table, or revenue that differs from the orders and returns.
with

returns as (
    select
        customer_id,
        sum(refund_amount) as refund_amount
    from {{ ref('fct_returns') }}
    group by 1
),

expected as (
    select
        customers.customer_id,
        count(orders.order_id) as frequency,
        coalesce(sum(orders.order_revenue), 0) as monetary,
        coalesce(sum(orders.order_revenue), 0) - coalesce(max(returns.refund_amount), 0) as net_monetary,
        min(orders.order_date) as first_order_date,
        max(orders.order_date) as last_order_date
    from {{ ref('dim_customers') }} as customers
    left join {{ ref('fct_orders') }} as orders
        on customers.customer_id = orders.customer_id and not orders.is_cancelled
    left join returns
        on customers.customer_id = returns.customer_id
    group by 1
),

customer_360 as (
    select
        customer_id,
        frequency,
        monetary,
        refund_amount,
        net_monetary,
        first_order_date,
        last_order_date
    from {{ ref('customer_360') }}
)

select
    expected.customer_id,
    customer_360.customer_id as wide_customer_id,
    expected.frequency,
    customer_360.frequency as wide_frequency,
    expected.monetary,
    customer_360.monetary as wide_monetary,
    expected.net_monetary,
    customer_360.net_monetary as wide_net_monetary,
    expected.first_order_date,
    customer_360.first_order_date as wide_first_order_date
from expected
full outer join customer_360
    on expected.customer_id = customer_360.customer_id
where
    expected.frequency is distinct from customer_360.frequency
    or expected.monetary is distinct from customer_360.monetary
    or expected.net_monetary is distinct from customer_360.net_monetary
    or customer_360.net_monetary is distinct from customer_360.monetary - customer_360.refund_amount
    or expected.first_order_date is distinct from customer_360.first_order_date
    or expected.last_order_date is distinct from customer_360.last_order_date
