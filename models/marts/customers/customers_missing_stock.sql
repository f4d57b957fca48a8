-- Grain: one row per customer who may leave and whose usual product is out of stock, or is more likely than not to be before
-- their next order. money_at_risk adds up.
with

customers as (
    select
        customer_id,
        lifecycle_stage,
        next_order_date,
        money_at_risk
    from {{ ref('customer_360') }}
    where lifecycle_stage in ('at_risk', 'cooling')
),

order_lines as (
    select
        customer_id,
        product_id,
        order_date,
        quantity
    from {{ ref('fct_order_lines') }}
    where not is_cancelled and customer_id is not null
),

stockouts as (
    select
        product_id,
        product_name,
        days_since_count,
        stock_quantity,
        available_quantity,
        expected_stockout_date,
        stockout_chance_7,
        stockout_chance_14,
        stockout_chance_28
    from {{ ref('stockout_forecast') }}
),

bought as (
    select
        customer_id,
        product_id,
        count(distinct order_date) as purchase_days,
        sum(quantity) as units,
        max(order_date) as last_purchase_date
    from order_lines
    group by 1, 2
    -- Bought once is no habit.
    having count(distinct order_date) >= 2
),

ranked as (
    select
        customer_id,
        product_id,
        purchase_days,
        last_purchase_date,
        row_number() over (
            partition by customer_id
            order by purchase_days desc, units desc, last_purchase_date desc, product_id asc
        ) as preference
    from bought
),

with_stock as (
    select
        customers.customer_id,
        customers.lifecycle_stage,
        ranked.product_id,
        stockouts.product_name,
        ranked.purchase_days,
        ranked.last_purchase_date,
        stockouts.days_since_count,
        stockouts.stock_quantity,
        stockouts.available_quantity,
        stockouts.expected_stockout_date,
        customers.next_order_date,
        customers.money_at_risk,
        -- Of someone whose next order cannot be told it counts what runs out within four weeks.
        case
            when stockouts.available_quantity = 0 then 1
            when {{ dbt.datediff(as_of_date(), 'customers.next_order_date', 'day') }} <= 7
                then stockouts.stockout_chance_7
            when {{ dbt.datediff(as_of_date(), 'customers.next_order_date', 'day') }} <= 14
                then stockouts.stockout_chance_14
            else stockouts.stockout_chance_28
        end as stockout_chance
    from customers
    inner join ranked
        on
            customers.customer_id = ranked.customer_id
            and ranked.preference = 1
    inner join stockouts
        on ranked.product_id = stockouts.product_id
),

customers_missing_stock as (
    select
        customer_id,
        product_id,
        product_name,
        lifecycle_stage,
        cast(purchase_days as integer) as purchase_days,
        last_purchase_date,
        days_since_count,
        stock_quantity,
        available_quantity,
        cast(stockout_chance as double) as stockout_chance,
        expected_stockout_date,
        next_order_date,
        money_at_risk,
        case
            when stock_quantity = 0 then 'Their usual product is out of stock.'
            when available_quantity = 0 then 'Their usual product has sold out since it was counted.'
            when next_order_date is null then 'Their usual product is likely to run out within four weeks.'
            else 'Their usual product is likely to run out before their next order.'
        end as missing_reason,
        {{ as_of_date() }} as as_of_date
    from with_stock
    where stockout_chance >= 0.5
)

select * from customers_missing_stock
