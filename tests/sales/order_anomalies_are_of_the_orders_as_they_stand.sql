-- Prevents: an order flagged with money, a day or a customer that are not its own, or a cancelled one, so that whoever is sent
-- to look into it finds something else.
with

order_anomalies as (
    select
        order_id,
        customer_id,
        order_date,
        order_revenue
    from {{ ref('order_anomalies') }}
),

order_lines as (
    select
        order_id,
        min(customer_id) as customer_id,
        min(order_date) as order_date,
        sum(case when not is_cancelled then line_revenue end) as order_revenue
    from {{ ref('fct_order_lines') }}
    group by 1
)

select
    order_anomalies.order_id,
    order_anomalies.order_revenue,
    order_lines.order_revenue as line_revenue
from order_anomalies
left join order_lines
    on order_anomalies.order_id = order_lines.order_id
where
    order_anomalies.order_revenue is distinct from order_lines.order_revenue
    or order_anomalies.order_date is distinct from order_lines.order_date
    or order_anomalies.customer_id is distinct from order_lines.customer_id
