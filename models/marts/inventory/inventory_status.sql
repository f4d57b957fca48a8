-- Grain: one row per product whose stock is counted, over all warehouses. Units and values add up; days of cover do not.
{%- set demand_days = 90 %}
with

products as (
    select
        product_id,
        product_name,
        category,
        brand,
        unit_cost,
        stock_quantity,
        is_low_stock
    from {{ ref('dim_products') }}
    where stock_quantity is not null
),

stock as (
    select
        product_id,
        count(*) as warehouse_count,
        max(last_updated_at) as last_updated_at
    from {{ ref('fct_inventory') }}
    group by 1
),

demand as (
    select
        product_id,
        sum(quantity) as unit_count,
        max(order_date) as last_sale_date
    from {{ ref('fct_order_lines') }}
    where
        not is_cancelled
        and order_date >= cast({{ dbt.dateadd('day', -demand_days, as_of_date()) }} as date)
    group by 1
),

measured as (
    select
        products.product_id,
        products.product_name,
        products.category,
        products.brand,
        stock.warehouse_count,
        stock.last_updated_at,
        products.stock_quantity,
        products.stock_quantity * products.unit_cost as stock_value,
        products.is_low_stock,
        coalesce(demand.unit_count, 0) as unit_count_90,
        cast(coalesce(demand.unit_count, 0) as double) / {{ demand_days }} as daily_demand,
        cast(products.stock_quantity as double) * {{ demand_days }} / nullif(demand.unit_count, 0) as days_of_cover,
        demand.last_sale_date
    from products
    inner join stock
        on products.product_id = stock.product_id
    left join demand
        on products.product_id = demand.product_id
),

inventory_status as (
    select
        product_id,
        product_name,
        category,
        brand,
        cast(warehouse_count as integer) as warehouse_count,
        last_updated_at,
        stock_quantity,
        cast(stock_value as decimal(18, 2)) as stock_value,
        is_low_stock,
        cast(unit_count_90 as bigint) as unit_count_90,
        daily_demand,
        days_of_cover,
        last_sale_date,
        case
            when stock_quantity = 0 then 'out_of_stock'
            when unit_count_90 = 0 then 'no_demand'
            when days_of_cover < {{ var('low_cover_days') }} then 'low'
            when days_of_cover > {{ var('overstock_days') }} then 'overstock'
            else 'in_stock'
        end as stock_status,
        {{ as_of_date() }} as as_of_date
    from measured
)

select * from inventory_status
