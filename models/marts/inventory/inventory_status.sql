-- Grain: one row per product whose stock is counted, over all warehouses. Units and values add up; days of cover do not.
{%- set demand_days = 90 %}
with

products as (
    select
        product_id,
        product_name,
        category,
        brand,
        unit_cost
    from {{ ref('dim_products') }}
),

product_stock as (
    select
        product_id,
        warehouse_count,
        last_updated_at,
        days_since_count,
        stock_quantity,
        units_sold_since_count,
        available_quantity,
        stock_in_words
    from {{ ref('int_product_stock') }}
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
        product_stock.warehouse_count,
        product_stock.last_updated_at,
        product_stock.days_since_count,
        product_stock.stock_quantity,
        product_stock.units_sold_since_count,
        product_stock.available_quantity,
        product_stock.stock_in_words,
        product_stock.stock_quantity * products.unit_cost as stock_value,
        product_demand.unit_count_90,
        product_demand.daily_demand,
        product_stock.available_quantity / nullif(product_demand.daily_demand, 0) as days_of_cover,
        coalesce(averages.count_count, 0) as stock_count_90,
        averages.stock_quantity as average_stock_90,
        cast(product_demand.unit_count_90 as double) / 3 / nullif(averages.stock_quantity, 0) as monthly_rotation,
        product_demand.last_sale_date
    from product_stock
    inner join products
        on product_stock.product_id = products.product_id
    inner join product_demand
        on product_stock.product_id = product_demand.product_id
    left join averages
        on product_stock.product_id = averages.product_id
),

inventory_status as (
    select
        product_id,
        product_name,
        category,
        brand,
        warehouse_count,
        last_updated_at,
        days_since_count,
        stock_quantity,
        units_sold_since_count,
        available_quantity,
        cast(stock_value as decimal(18, 2)) as stock_value,
        coalesce(available_quantity <= {{ var('low_stock_threshold') }}, false) as is_low_stock,
        unit_count_90,
        daily_demand,
        days_of_cover,
        cast(stock_count_90 as integer) as stock_count_90,
        average_stock_90,
        monthly_rotation,
        last_sale_date,
        case
            when available_quantity is null then 'unknown'
            when available_quantity = 0 then 'out_of_stock'
            when unit_count_90 = 0 then 'no_demand'
            when days_of_cover < {{ var('low_cover_days') }} then 'low'
            when days_of_cover > {{ var('overstock_days') }} then 'overstock'
            else 'in_stock'
        end as stock_status,
        stock_in_words || '.' as stock_reason,
        {{ as_of_date() }} as as_of_date
    from measured
)

select * from inventory_status
