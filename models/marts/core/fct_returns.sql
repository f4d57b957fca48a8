-- Grain: one row per return. quantity and refund_amount add up.
with

returns as (
    select
        return_id,
        order_id,
        customer_id,
        product_id,
        return_reason,
        quantity,
        returned_at
    from {{ ref('stg_shop__returns') }}
),

order_lines as (
    select
        order_id,
        product_id,
        min(customer_id) as customer_id,
        sum(line_revenue) as line_revenue,
        sum(quantity) as quantity
    from {{ ref('fct_order_lines') }}
    where
        not is_cancelled
        and order_id in (select returns.order_id from returns)
    group by 1, 2
),

product_prices as (
    select
        product_id,
        price,
        valid_from_date,
        valid_to_date
    from {{ ref('dim_product_prices') }}
),

fct_returns as (
    select
        returns.return_id,
        returns.order_id,
        coalesce(returns.customer_id, order_lines.customer_id) as customer_id,
        returns.product_id,
        returns.returned_at,
        {{ local_date('returns.returned_at') }} as return_date,
        returns.return_reason,
        order_lines.order_id is not null as has_order_line,
        returns.quantity,
        coalesce(
            {{ money_per('cast(returns.quantity as bigint) * order_lines.line_revenue', 'order_lines.quantity') }},
            cast(cast(returns.quantity as bigint) * coalesce(product_prices.price, 0) as decimal(18, 2))
        ) as refund_amount
    from returns
    left join order_lines
        on
            returns.order_id = order_lines.order_id
            and returns.product_id = order_lines.product_id
    left join product_prices
        on
            returns.product_id = product_prices.product_id
            and {{ local_date('returns.returned_at') }} >= product_prices.valid_from_date
            and {{ local_date('returns.returned_at') }} < product_prices.valid_to_date
)

select * from fct_returns
