-- Grain: one row per product whose stock is counted, over all warehouses. Units add up.
with

inventory as (
    select
        product_id,
        stock_quantity,
        last_updated_at
    from {{ ref('fct_inventory') }}
),

order_lines as (
    select
        product_id,
        ordered_at,
        quantity
    from {{ ref('fct_order_lines') }}
    where not is_cancelled
),

counted as (
    select
        product_id,
        count(*) as warehouse_count,
        sum(stock_quantity) as stock_quantity,
        -- No sale names its warehouse. Only what was sold after the newest count is surely in none of them; and where
        -- each change of stock writes its time, an older one is that of a warehouse in which nothing has moved since.
        max(last_updated_at) as last_updated_at
    from inventory
    group by 1
),

sold as (
    select
        counted.product_id,
        sum(order_lines.quantity) as units
    from counted
    inner join order_lines
        on
            counted.product_id = order_lines.product_id
            and counted.last_updated_at < order_lines.ordered_at
    group by 1
),

measured as (
    select
        counted.product_id,
        counted.warehouse_count,
        counted.last_updated_at,
        counted.stock_quantity,
        case when counted.last_updated_at is not null then coalesce(sold.units, 0) end as units_sold_since_count,
        {{ dbt.datediff(local_date('counted.last_updated_at'), as_of_date(), 'day') }} as days_since_count
    from counted
    left join sold
        on counted.product_id = sold.product_id
),

estimated as (
    select
        product_id,
        warehouse_count,
        last_updated_at,
        stock_quantity,
        units_sold_since_count,
        -- The newest count may be of after the last order.
        case when days_since_count < 0 then 0 else days_since_count end as days_since_count,
        case
            -- More was sold than there was, and what was ordered after the count can have come in since: the count
            -- says nothing any more.
            when units_sold_since_count > stock_quantity and days_since_count > {{ var('lead_time_days') }} then null
            else greatest(0, stock_quantity - coalesce(units_sold_since_count, 0))
        end as available_quantity
    from measured
),

int_product_stock as (
    select
        product_id,
        cast(warehouse_count as integer) as warehouse_count,
        last_updated_at,
        cast(days_since_count as integer) as days_since_count,
        cast(stock_quantity as bigint) as stock_quantity,
        cast(units_sold_since_count as bigint) as units_sold_since_count,
        cast(available_quantity as bigint) as available_quantity,
        cast(stock_quantity as varchar) || ' counted '
        || case
            when days_since_count is null then 'on an unknown day'
            when days_since_count = 0 then 'today'
            else {{ days_in_words('days_since_count') }} || ' ago'
        end
        || case
            when units_sold_since_count is null then ''
            when units_sold_since_count = 0 then ', none sold since'
            else
                ', ' || cast(units_sold_since_count as varchar) || ' sold since, '
                || coalesce(cast(available_quantity as varchar), 'an unknown number') || ' left'
        end as stock_in_words
    from estimated
)

select * from int_product_stock
