-- Prevents: a customer who is missing from the RFM table, or scored on orders that are not theirs, that
-- were cancelled or that lie after the day they are looked at from.
with

summed as (
    select
        customer_id,
        max(order_date) as last_order_date,
        count(*) as frequency,
        sum(order_revenue) as monetary
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
    group by 1
),

returns as (
    select
        customer_id,
        sum(refund_amount) as refund_amount
    from {{ ref('fct_returns') }}
    group by 1
),

orders as (
    select
        summed.customer_id,
        {{ dbt.datediff('summed.last_order_date', 'clock.as_of_date', 'day') }}
            as recency_days,
        summed.frequency,
        summed.monetary,
        summed.monetary - coalesce(returns.refund_amount, 0) as net_monetary
    from summed
    cross join {{ ref('as_of_date') }} as clock
    left join returns
        on summed.customer_id = returns.customer_id
),

customer_rfm as (
    select
        customer_id,
        recency_days,
        frequency,
        monetary,
        net_monetary
    from {{ ref('customer_rfm') }}
)

select
    orders.customer_id,
    customer_rfm.customer_id as rfm_customer_id,
    orders.recency_days,
    customer_rfm.recency_days as rfm_recency_days,
    orders.frequency,
    customer_rfm.frequency as rfm_frequency,
    orders.monetary,
    customer_rfm.monetary as rfm_monetary,
    orders.net_monetary,
    customer_rfm.net_monetary as rfm_net_monetary
from orders
full outer join customer_rfm
    on orders.customer_id = customer_rfm.customer_id
where
    orders.recency_days is distinct from customer_rfm.recency_days
    or orders.frequency is distinct from customer_rfm.frequency
    or orders.monetary is distinct from customer_rfm.monetary
    or orders.net_monetary is distinct from customer_rfm.net_monetary
