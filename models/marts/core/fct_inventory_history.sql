-- Grain: one row per count of a product's stock in a warehouse: every count that was ever landed, those of earlier
-- builds too. Quantities add up over products and warehouses at one time, not over time.
with

inventory_counts as (
    select
        product_id,
        warehouse_id,
        stock_quantity,
        coalesce(last_updated_at, cast({{ as_of_date() }} as timestamp)) as counted_at,
        record_status
    from {{ ref('stg_shop__inventory_counts') }}
),

ranked as (
    select
        product_id,
        warehouse_id,
        counted_at,
        stock_quantity,
        row_number() over (
            partition by product_id, warehouse_id, counted_at
            order by record_status asc, stock_quantity desc
        ) as place_at_time
    from inventory_counts
),

fct_inventory_history as (
    select
        product_id,
        warehouse_id,
        counted_at,
        cast(stock_quantity as integer) as stock_quantity
    from ranked
    where place_at_time = 1
)

select * from fct_inventory_history
