-- Prevents: a refund above what was bought, which makes a good customer look worthless; one of a cancelled order;
-- and an order that its state calls refunded and that still counts in net revenue.
with

products as (
    select
        order_id,
        product_id,
        sum(case when is_cancelled then 0 else line_revenue end) as revenue,
        sum(case when is_refunded then line_revenue else 0 end) as refunded_revenue
    from {{ ref('fct_order_lines') }}
    group by 1, 2
),

product_refunds as (
    select
        order_id,
        product_id,
        sum(refund_amount) as refund_amount
    from {{ ref('fct_returns') }}
    group by 1, 2
),

line_refunds as (
    select
        order_id,
        product_id,
        order_line_number,
        sum(refund_amount) as refund_amount
    from {{ ref('fct_returns') }}
    where order_line_number is not null
    group by 1, 2, 3
),

refunded_orders as (
    select
        order_id,
        sum(revenue) as revenue,
        sum(refunded_revenue) as refunded_revenue
    from products
    group by 1
    having sum(refunded_revenue) > 0
)

select
    products.order_id,
    products.revenue,
    product_refunds.refund_amount
from products
inner join product_refunds
    on
        products.order_id = product_refunds.order_id
        and products.product_id = product_refunds.product_id
where product_refunds.refund_amount > greatest(products.revenue, 0)
union all
select
    order_lines.order_id,
    order_lines.line_revenue as revenue,
    line_refunds.refund_amount
from line_refunds
left join {{ ref('fct_order_lines') }} as order_lines
    on
        line_refunds.order_id = order_lines.order_id
        and line_refunds.product_id = order_lines.product_id
        and line_refunds.order_line_number = order_lines.order_line_number
where not coalesce(line_refunds.refund_amount <= greatest(order_lines.line_revenue, 0), false)
union all
select
    refunded_orders.order_id,
    refunded_orders.revenue,
    orders.refund_amount
from refunded_orders
left join {{ ref('fct_orders') }} as orders
    on refunded_orders.order_id = orders.order_id
where
    not coalesce(
        orders.refund_amount
        >= least(refunded_orders.refunded_revenue, greatest(refunded_orders.revenue, 0)), false
    )
