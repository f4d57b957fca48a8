-- Grain: one row per product whose stock is counted. order_quantity and order_value add up.
-- Safety stock: z x sqrt(lead time x variance of a day + daily demand^2 x variance of the lead time); reorder point: demand
-- of the lead time + safety stock (Silver, Pyke and Thomas 2017, Inventory and Production Management in Supply Chains,
-- ch. 6). Economic order quantity: sqrt(2 x cost of an order x yearly demand / (holding rate x unit cost))
-- (Harris 1913, How many parts to make at once).
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
        days_since_count,
        stock_quantity,
        available_quantity,
        stock_in_words
    from {{ ref('int_product_stock') }}
),

product_demand as (
    select
        product_id,
        daily_demand,
        daily_variance
    from {{ ref('int_product_demand') }}
),

supplier_terms as (
    select
        brand,
        lead_time_days,
        lead_time_deviation_days,
        order_cost,
        holding_rate
    from {{ ref('supplier_terms') }}
),

terms as (
    select
        product_demand.product_id,
        products.product_name,
        products.category,
        products.brand,
        products.unit_cost,
        product_stock.days_since_count,
        product_stock.stock_quantity,
        product_stock.available_quantity,
        product_stock.stock_in_words,
        product_demand.daily_demand,
        product_demand.daily_variance,
        coalesce(supplier_terms.lead_time_days, {{ var('lead_time_days') }}) as lead_time_days,
        coalesce(supplier_terms.lead_time_deviation_days, {{ var('lead_time_deviation_days') }})
            as lead_time_deviation_days,
        coalesce(supplier_terms.order_cost, {{ var('order_cost') }}) as order_cost,
        coalesce(supplier_terms.holding_rate, {{ var('holding_rate') }}) as holding_rate
    from product_demand
    inner join products
        on product_demand.product_id = products.product_id
    inner join product_stock
        on product_demand.product_id = product_stock.product_id
    left join supplier_terms
        on products.brand = supplier_terms.brand
),

stocks as (
    select
        *,
        lead_time_days * daily_demand as lead_time_demand,
        {{ normal_quantile(var('service_level')) }} * sqrt(
            lead_time_days * daily_variance
            + daily_demand * daily_demand * lead_time_deviation_days * lead_time_deviation_days
        ) as safety_stock,
        sqrt(2 * order_cost * 365 * daily_demand / nullif(holding_rate * cast(unit_cost as double), 0))
            as economic_order_quantity
    from terms
),

points as (
    select
        *,
        ceil(lead_time_demand + safety_stock) as reorder_point,
        coalesce(daily_demand > 0 and available_quantity <= ceil(lead_time_demand + safety_stock), false) as is_reorder_due
    from stocks
),

quantities as (
    select
        *,
        case
            when is_reorder_due
                -- Where no cost says how much an order should hold: what a lead time sells.
                then ceil(greatest(coalesce(economic_order_quantity, lead_time_demand), reorder_point - available_quantity))
            else 0
        end as order_quantity
    from points
),

replenishment_plan as (
    select
        product_id,
        product_name,
        category,
        brand,
        days_since_count,
        stock_quantity,
        available_quantity,
        daily_demand,
        cast(lead_time_days as integer) as lead_time_days,
        lead_time_demand,
        safety_stock,
        cast(reorder_point as bigint) as reorder_point,
        cast(ceil(economic_order_quantity) as bigint) as economic_order_quantity,
        is_reorder_due,
        cast(order_quantity as bigint) as order_quantity,
        cast(cast(order_quantity as bigint) * unit_cost as decimal(18, 2)) as order_value,
        case
            when daily_demand = 0 then 'None sold in 90 days.'
            when available_quantity is null then stock_in_words || ': count it anew.'
            when available_quantity = 0 then 'Out of stock: ' || stock_in_words || '.'
            when is_reorder_due
                then
                    cast(available_quantity as varchar) || ' left, at or below the reorder point of '
                    || cast(cast(reorder_point as bigint) as varchar) || '.'
            else
                'Above the reorder point of ' || cast(cast(reorder_point as bigint) as varchar) || '.'
        end as plan_reason,
        {{ as_of_date() }} as as_of_date
    from quantities
)

select * from replenishment_plan
