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

product_demand as (
    select
        product_id,
        unit_count_90,
        daily_demand,
        last_sale_date
    from {{ ref('int_product_demand') }}
),

inventory_history as (
    select
        product_id,
        warehouse_id,
        cast(stock_quantity as double) as stock_quantity
    from {{ ref('fct_inventory_history') }}
    where
        cast(counted_at as date) between
        cast({{ dbt.dateadd('day', -demand_days, as_of_date()) }} as date) and {{ as_of_date() }}
),

warehouse_averages as (
    select
        product_id,
        warehouse_id,
        avg(stock_quantity) as stock_quantity,
        count(*) as count_count
    from inventory_history
    group by 1, 2
),

averages as (
    select
        product_id,
        sum(stock_quantity) as stock_quantity,
        sum(count_count) as count_count
    from warehouse_averages
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
        product_demand.unit_count_90,
        product_demand.daily_demand,
        products.stock_quantity / nullif(product_demand.daily_demand, 0) as days_of_cover,
        coalesce(averages.count_count, 0) as stock_count_90,
        averages.stock_quantity as average_stock_90,
        cast(product_demand.unit_count_90 as double) / 3 / nullif(averages.stock_quantity, 0) as monthly_rotation,
        product_demand.last_sale_date
    from products
    inner join stock
        on products.product_id = stock.product_id
    inner join product_demand
        on products.product_id = product_demand.product_id
    left join averages
        on products.product_id = averages.product_id
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
        unit_count_90,
        daily_demand,
        days_of_cover,
        cast(stock_count_90 as integer) as stock_count_90,
        average_stock_90,
        monthly_rotation,
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
