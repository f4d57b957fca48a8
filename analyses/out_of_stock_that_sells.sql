-- What is out of stock that sells? Products with none likely left and a sale in the last 90 days, with the revenue per month
-- that is missed while none is there, at the demand of those days and the average price paid in the last 365.
with

inventory_status as (
    select
        product_id,
        product_name,
        category,
        unit_count_90,
        daily_demand,
        last_sale_date
    from {{ ref('inventory_status') }}
    where stock_status = 'out_of_stock' and unit_count_90 > 0
),

product_performance as (
    select
        product_id,
        cast(revenue_365 as double) / nullif(unit_count_365, 0) as price_paid
    from {{ ref('product_performance') }}
),

out_of_stock_that_sells as (
    select
        inventory_status.product_id,
        inventory_status.product_name,
        inventory_status.category,
        inventory_status.unit_count_90,
        round(30 * inventory_status.daily_demand * product_performance.price_paid, 2) as revenue_missed_per_month,
        inventory_status.last_sale_date
    from inventory_status
    inner join product_performance
        on inventory_status.product_id = product_performance.product_id
)

select * from out_of_stock_that_sells
order by revenue_missed_per_month desc, product_id asc
