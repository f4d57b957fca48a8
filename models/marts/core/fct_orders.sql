-- Grain: one row per order. Counts and money add up over orders that are not cancelled;
-- is_first_order does not.
with

order_lines as (
    select
        order_id,
        customer_id,
        ordered_at,
        channel,
        is_cancelled,
        quantity,
        discount_amount,
        line_revenue,
        line_margin
    from {{ ref('fct_order_lines') }}
),

returns as (
    select
        order_id,
        sum(refund_amount) as refund_amount
    from {{ ref('fct_returns') }}
    where order_id is not null
    group by 1
),

summed as (
    select
        order_id,
        -- One order, one customer and channel: where its lines disagree, the smallest holds.
        min(customer_id) as customer_id,
        min(channel) as channel,
        min(ordered_at) as ordered_at,
        count(*) as line_count,
        -- An order is cancelled when all of its lines are; of a partly cancelled one the rest counts.
        count(case when not is_cancelled then 1 end) = 0 as is_cancelled,
        sum(case when is_cancelled then 0 else quantity end) as unit_count,
        sum(case when is_cancelled then 0 else discount_amount end) as order_discount,
        sum(case when is_cancelled then 0 else line_revenue end) as order_revenue,
        sum(case when not is_cancelled then line_margin end) as order_margin,
        sum(case when not is_cancelled and line_margin is not null then line_revenue end) as costed_revenue
    from order_lines
    group by 1
),

numbered as (
    select
        *,
        row_number() over (partition by customer_id, is_cancelled order by ordered_at, order_id)
            as order_number
    from summed
),

fct_orders as (
    select
        numbered.order_id,
        numbered.customer_id,
        numbered.channel,
        numbered.ordered_at,
        {{ local_date('numbered.ordered_at') }} as order_date,
        numbered.is_cancelled,
        numbered.order_number = 1 and not numbered.is_cancelled and numbered.customer_id is not null as is_first_order,
        cast(numbered.line_count as integer) as line_count,
        cast(numbered.unit_count as bigint) as unit_count,
        cast(numbered.order_discount as decimal(18, 2)) as order_discount,
        cast(numbered.order_revenue as decimal(18, 2)) as order_revenue,
        cast(numbered.order_margin as decimal(18, 2)) as order_margin,
        cast(numbered.costed_revenue as decimal(18, 2)) as costed_revenue,
        cast(coalesce(returns.refund_amount, 0) as decimal(18, 2)) as refund_amount,
        cast(numbered.order_revenue - coalesce(returns.refund_amount, 0) as decimal(18, 2)) as net_revenue
    from numbered
    left join returns
        on numbered.order_id = returns.order_id
)

select * from fct_orders
