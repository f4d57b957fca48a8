-- Prevents: an order that is missing, made up, or worth something else than its lines; a cancelled
-- line that counts; a refund that is lost or counted twice.
with

lines as (
    select
        order_id,
        count(*) as line_count,
        coalesce(sum(case when not is_cancelled then quantity end), 0) as unit_count,
        coalesce(sum(case when not is_cancelled then line_revenue end), 0) as revenue
    from {{ ref('fct_order_lines') }}
    group by 1
),

refunds as (
    select
        order_id,
        sum(refund_amount) as refund_amount
    from {{ ref('fct_returns') }}
    group by 1
),

orders as (
    select
        order_id,
        line_count,
        unit_count,
        order_revenue,
        net_revenue
    from {{ ref('fct_orders') }}
)

select
    lines.order_id as line_order_id,
    orders.order_id,
    lines.revenue as line_revenue,
    orders.order_revenue
from lines
full outer join orders
    on lines.order_id = orders.order_id
left join refunds
    on lines.order_id = refunds.order_id
where
    lines.line_count is distinct from orders.line_count
    or lines.unit_count is distinct from orders.unit_count
    or lines.revenue is distinct from orders.order_revenue
    or lines.revenue - coalesce(refunds.refund_amount, 0) is distinct from orders.net_revenue
