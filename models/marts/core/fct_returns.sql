-- Grain: one row per return, and one per order whose status says that its money went back where the returns do
-- not account for it. quantity and refund_amount add up. Earlier returns come first where not all can be
-- refunded: no product of an order, and no order, is refunded above its revenue.
with

returns as (
    select
        return_id,
        order_id,
        customer_id,
        product_id,
        return_reason,
        quantity,
        refund_amount as paid_amount,
        returned_at,
        {{ local_date('returned_at') }} as return_date
    from {{ ref('stg_shop__returns') }}
),

concerned_orders as (
    select order_id
    from returns
    where order_id is not null
    union
    select order_id
    from {{ ref('fct_order_lines') }}
    where is_refunded
),

order_lines as (
    select
        order_id,
        product_id,
        order_line_number,
        customer_id,
        ordered_at,
        updated_at,
        is_cancelled,
        case when is_cancelled then 0 else quantity end as quantity,
        case when is_cancelled then 0 else line_revenue end as line_revenue,
        case when is_refunded then line_revenue else 0 end as refunded_revenue
    from {{ ref('fct_order_lines') }}
    where order_id in (select concerned_orders.order_id from concerned_orders)
),

product_prices as (
    select
        product_id,
        price,
        valid_from_date,
        valid_to_date
    from {{ ref('dim_product_prices') }}
),

orders as (
    select
        order_id,
        min(customer_id) as customer_id,
        min(ordered_at) as ordered_at,
        max(updated_at) as updated_at,
        greatest(sum(line_revenue), 0) as revenue
    from order_lines
    group by 1
),

-- Lines of one product in one order are one: which of them came back is not always known.
sold_products as (
    select
        order_id,
        product_id,
        count(case when not is_cancelled then 1 end) as line_count,
        min(case when not is_cancelled then order_line_number end) as first_line_number,
        sum(quantity) as quantity,
        greatest(sum(line_revenue), 0) as revenue,
        sum(refunded_revenue) as refunded_revenue
    from order_lines
    group by 1, 2
),

-- Of several lines of a product, one that alone is large enough, or alone worth what was paid back.
fitting_lines as (
    select
        returns.return_id,
        count(*) as fitting_count,
        min(order_lines.order_line_number) as fitting_line_number,
        count(case when returns.paid_amount = order_lines.line_revenue then 1 end) as paid_count,
        min(case when returns.paid_amount = order_lines.line_revenue then order_lines.order_line_number end)
            as paid_line_number
    from returns
    inner join order_lines
        on
            returns.order_id = order_lines.order_id
            and returns.product_id = order_lines.product_id
            and coalesce(returns.quantity, 1) <= order_lines.quantity
    where not order_lines.is_cancelled
    group by 1
),

matched as (
    select
        returns.return_id,
        returns.order_id,
        coalesce(orders.customer_id, returns.customer_id) as customer_id,
        returns.product_id,
        returns.return_reason,
        returns.quantity,
        returns.paid_amount,
        returns.returned_at,
        returns.return_date,
        orders.revenue as order_revenue,
        sold_products.line_count,
        sold_products.quantity as sold_quantity,
        sold_products.revenue as sold_revenue,
        product_prices.price,
        case
            when sold_products.line_count = 1 then sold_products.first_line_number
            when fitting_lines.paid_count = 1 then fitting_lines.paid_line_number
            when fitting_lines.fitting_count = 1 then fitting_lines.fitting_line_number
        end as order_line_number
    from returns
    left join orders
        on returns.order_id = orders.order_id
    left join sold_products
        on
            returns.order_id = sold_products.order_id
            and returns.product_id = sold_products.product_id
    left join fitting_lines
        on returns.return_id = fitting_lines.return_id
    left join product_prices
        on
            returns.product_id = product_prices.product_id
            and returns.return_date >= product_prices.valid_from_date
            and returns.return_date < product_prices.valid_to_date
),

-- At the price of the line where it is known, else at the average of the product's lines.
priced as (
    select
        matched.*,
        order_lines.quantity as line_quantity,
        order_lines.line_revenue,
        coalesce(order_lines.quantity, matched.sold_quantity) as priced_quantity,
        greatest(coalesce(order_lines.line_revenue, matched.sold_revenue), 0) as priced_revenue,
        coalesce(
            case
                when matched.order_line_number is null
                    then sum(matched.quantity) over (
                        partition by matched.order_id, matched.product_id
                        order by matched.returned_at, matched.return_id
                        rows between unbounded preceding and 1 preceding
                    )
                else sum(matched.quantity) over (
                    partition by matched.order_id, matched.product_id, matched.order_line_number
                    order by matched.returned_at, matched.return_id
                    rows between unbounded preceding and 1 preceding
                )
            end, 0
        ) as quantity_before
    from matched
    left join order_lines
        on
            matched.order_id = order_lines.order_id
            and matched.product_id = order_lines.product_id
            and matched.order_line_number = order_lines.order_line_number
),

asked as (
    select
        *,
        case
            when paid_amount is not null then 'paid'
            when line_count is not null then 'line_price'
            else 'product_price'
        end as refund_source,
        case
            when paid_amount is not null then cast(paid_amount as decimal(18, 2))
            -- The worth of all units back so far less that of the units before: returned one by one, they are
            -- worth to the cent what they are worth together.
            when line_count is not null
                then coalesce(
                    {{ money_per('least(quantity_before + coalesce(quantity, 0), priced_quantity) * priced_revenue', 'priced_quantity') }}
                    - {{ money_per('least(quantity_before, priced_quantity) * priced_revenue', 'priced_quantity') }},
                    0
                )
            else cast(cast(coalesce(quantity, 0) as bigint) * coalesce(price, 0) as decimal(18, 2))
        end as asked_amount,
        -- Units beyond those that were bought, at the same price.
        case
            when paid_amount is null and line_count is not null
                then coalesce(
                    {{ money_per('least(quantity, greatest(quantity_before + quantity - priced_quantity, 0)) * priced_revenue', 'priced_quantity') }},
                    0
                )
            else 0
        end as excess_amount
    from priced
),

within_products as (
    select
        *,
        case
            when line_count is null then asked_amount
            else least(asked_so_far, sold_revenue) - least(asked_so_far - asked_amount, sold_revenue)
        end as product_refund
    from (
        select
            *,
            sum(asked_amount) over (
                partition by order_id, product_id
                order by returned_at, return_id
                rows between unbounded preceding and current row
            ) as asked_so_far
        from asked
    ) as summed
),

within_orders as (
    select
        *,
        case
            when order_revenue is null then product_refund
            else least(refund_so_far, order_revenue) - least(refund_so_far - product_refund, order_revenue)
        end as refund_amount
    from (
        select
            *,
            sum(product_refund) over (
                partition by order_id
                order by returned_at, return_id
                rows between unbounded preceding and current row
            ) as refund_so_far
        from within_products
    ) as summed
),

product_refunds as (
    select
        order_id,
        product_id,
        sum(refund_amount) as refund_amount
    from within_orders
    where line_count is not null
    group by 1, 2
),

order_refunds as (
    select
        order_id,
        sum(refund_amount) as refund_amount,
        sum(case when line_count is null then refund_amount else 0 end) as unassigned_amount
    from within_orders
    where order_revenue is not null
    group by 1
),

open_products as (
    select
        sold_products.order_id,
        sum(greatest(sold_products.refunded_revenue - coalesce(product_refunds.refund_amount, 0), 0)) as open_amount
    from sold_products
    left join product_refunds
        on
            sold_products.order_id = product_refunds.order_id
            and sold_products.product_id = product_refunds.product_id
    where sold_products.refunded_revenue > 0
    group by 1
),

-- What the status says went back and no return does. Money without goods counts towards it.
refunded_orders as (
    select
        orders.order_id,
        orders.customer_id,
        -- The order was last written when it was refunded; unknown, or later than the clock, it is dated like
        -- the sale, as a cancellation is.
        case
            when orders.updated_at >= orders.ordered_at and {{ local_date('orders.updated_at') }} < {{ as_of_date() }}
                then orders.updated_at
            else orders.ordered_at
        end as returned_at,
        least(
            open_products.open_amount - coalesce(order_refunds.unassigned_amount, 0),
            orders.revenue - coalesce(order_refunds.refund_amount, 0)
        ) as refund_amount
    from open_products
    inner join orders
        on open_products.order_id = orders.order_id
    left join order_refunds
        on open_products.order_id = order_refunds.order_id
),

-- A line is named only where all returns that name it are worth no more than it.
named as (
    select
        *,
        sum(refund_amount) over (partition by order_id, product_id, order_line_number) as line_refund,
        sum(quantity) over (partition by order_id, product_id, order_line_number) as line_units
    from within_orders
),

fct_returns as (
    select
        return_id,
        order_id,
        case
            when line_count = 1 or line_refund <= line_revenue and coalesce(line_units, 0) <= line_quantity
                then order_line_number
        end as order_line_number,
        customer_id,
        product_id,
        returned_at,
        return_date,
        return_reason,
        coalesce(line_count, 0) > 0 as has_order_line,
        refund_source,
        quantity,
        cast(refund_amount as decimal(18, 2)) as refund_amount,
        cast(asked_amount + excess_amount - refund_amount as decimal(18, 2)) as refund_cut_amount
    from named
    union all
    select
        'ORDER_STATUS-' || order_id as return_id,
        order_id,
        cast(null as integer) as order_line_number,
        customer_id,
        cast(null as varchar) as product_id,
        returned_at,
        {{ local_date('returned_at') }} as return_date,
        cast(null as varchar) as return_reason,
        false as has_order_line,
        'order_status' as refund_source,
        cast(null as integer) as quantity,
        cast(refund_amount as decimal(18, 2)) as refund_amount,
        cast(0 as decimal(18, 2)) as refund_cut_amount
    from refunded_orders
    where refund_amount > 0
)

select * from fct_returns
