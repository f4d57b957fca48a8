-- Grain: one row per accepted line of an order: order_id, product_id and order_line_number. Quantities and money add up over lines that are not
-- cancelled; unit_price and unit_cost do not.
with

order_lines as (
    select
        order_id,
        order_line_id,
        order_line_number,
        customer_id,
        product_id,
        order_status,
        channel,
        quantity,
        unit_price,
        discount_amount,
        line_total,
        ordered_at,
        updated_at,
        {{ local_date('ordered_at') }} as order_date
    from {{ ref('stg_shop__orders') }}
),

product_prices as (
    select
        product_id,
        price,
        cost,
        valid_from_date,
        valid_to_date
    from {{ ref('dim_product_prices') }}
),

order_statuses as (
    select
        order_status,
        is_cancelled,
        is_refunded
    from {{ ref('order_statuses') }}
),

written_statuses as (
    select order_status
    from {{ ref('stg_shop__orders') }}
    group by 1
),

-- Each state that the shop has, once: the whole state if it is listed, else what stands before ` - `, so
-- that `cancelled - by customer` is `cancelled`.
shop_statuses as (
    select
        written_statuses.order_status,
        coalesce(whole_statuses.is_cancelled, first_statuses.is_cancelled) as is_cancelled,
        coalesce(whole_statuses.is_refunded, first_statuses.is_refunded) as is_refunded
    from written_statuses
    left join order_statuses as whole_statuses
        on {{ status_key('written_statuses.order_status') }} = whole_statuses.order_status
    left join order_statuses as first_statuses
        on {{ status_key("trim(split_part(written_statuses.order_status, ' - ', 1))") }} = first_statuses.order_status
),

priced as (
    select
        order_lines.order_id,
        order_lines.order_line_id,
        order_lines.order_line_number,
        order_lines.customer_id,
        order_lines.product_id,
        order_lines.ordered_at,
        order_lines.updated_at,
        order_lines.order_date,
        order_lines.order_status,
        order_lines.channel,
        order_lines.quantity,
        order_lines.discount_amount,
        product_prices.cost as unit_cost,
        order_lines.line_total,
        coalesce(order_lines.unit_price, product_prices.price) as unit_price,
        case
            when order_lines.unit_price is not null then 'order'
            when product_prices.price is not null then 'product'
            else 'unknown'
        end as price_source,
        coalesce(shop_statuses.is_cancelled, false) as is_cancelled,
        coalesce(shop_statuses.is_refunded, false) as is_refunded,
        order_lines.order_status is not null and shop_statuses.is_cancelled is null as has_unknown_status
    from order_lines
    left join product_prices
        on
            order_lines.product_id = product_prices.product_id
            and order_lines.order_date >= product_prices.valid_from_date
            and order_lines.order_date < product_prices.valid_to_date
    left join shop_statuses
        on order_lines.order_status = shop_statuses.order_status
),

totalled as (
    select
        *,
        cast(
            coalesce(line_total, coalesce(cast(quantity as bigint) * unit_price, 0) - discount_amount)
            as decimal(18, 2)
        ) as line_revenue,
        cast(cast(quantity as bigint) * unit_cost as decimal(18, 2)) as line_cost
    from priced
),

fct_order_lines as (
    select
        order_id,
        order_line_id,
        cast(order_line_number as integer) as order_line_number,
        customer_id,
        product_id,
        ordered_at,
        updated_at,
        order_date,
        order_status,
        channel,
        is_cancelled,
        is_refunded,
        has_unknown_status,
        price_source,
        quantity,
        unit_price,
        unit_cost,
        cast(discount_amount as decimal(18, 2)) as discount_amount,
        line_revenue,
        line_cost,
        cast(line_revenue - line_cost as decimal(18, 2)) as line_margin
    from totalled
)

select * from fct_order_lines
