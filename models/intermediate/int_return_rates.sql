-- Grain: one row per customer who bought and per product that sold. Counts and money add up within an entity type.
with

order_lines as (
    select
        order_id,
        customer_id,
        product_id
    from {{ ref('fct_order_lines') }}
    where not is_cancelled
    group by 1, 2, 3
),

-- A product of an order came back or not: units sent one by one are one return.
returned as (
    select
        customer_id,
        product_id,
        coalesce(order_id, return_id) as returned_from,
        sum(refund_amount) as refund_amount
    from {{ ref('fct_returns') }}
    group by 1, 2, 3
),

products as (
    select
        product_id,
        coalesce(category, 'No category') as category
    from {{ ref('dim_products') }}
),

sold_lines as (
    select
        order_lines.customer_id,
        order_lines.product_id,
        products.category
    from order_lines
    inner join products
        on order_lines.product_id = products.product_id
),

---------- what is usual: each category's rate, with the shop's for 50 lines

category_sales as (
    select
        category,
        count(*) as sold_count
    from sold_lines
    group by 1
),

category_returns as (
    select
        products.category,
        count(*) as returned_count
    from returned
    inner join products
        on returned.product_id = products.product_id
    group by 1
),

shop_rate as (
    select cast(sum(category_returns.returned_count) as double) / sum(category_sales.sold_count) as return_rate
    from category_sales
    left join category_returns
        on category_sales.category = category_returns.category
),

category_rates as (
    select
        category_sales.category,
        least(greatest(
            (coalesce(category_returns.returned_count, 0) + 50 * shop_rate.return_rate) / (category_sales.sold_count + 50),
            0.0001
        ), 0.9) as return_rate
    from category_sales
    cross join shop_rate
    left join category_returns
        on category_sales.category = category_returns.category
),

---------- customers and products

entity_sales as (
    select
        'customer' as entity_type,
        sold_lines.customer_id as entity_id,
        count(*) as sold_count,
        cast(sum(cast(category_rates.return_rate as decimal(28, 12))) as double) / count(*) as usual_rate
    from sold_lines
    inner join category_rates
        on sold_lines.category = category_rates.category
    where sold_lines.customer_id is not null
    group by 1, 2
    union all
    select
        'product' as entity_type,
        sold_lines.product_id as entity_id,
        count(*) as sold_count,
        max(category_rates.return_rate) as usual_rate
    from sold_lines
    inner join category_rates
        on sold_lines.category = category_rates.category
    group by 1, 2
),

entity_returns as (
    select
        'customer' as entity_type,
        customer_id as entity_id,
        count(*) as returned_count,
        sum(refund_amount) as refund_amount
    from returned
    where customer_id is not null
    group by 1, 2
    union all
    select
        'product' as entity_type,
        product_id as entity_id,
        count(*) as returned_count,
        sum(refund_amount) as refund_amount
    from returned
    where product_id is not null
    group by 1, 2
),

int_return_rates as (
    select
        entity_sales.entity_type,
        entity_sales.entity_id,
        cast(entity_sales.sold_count as integer) as sold_count,
        cast(least(coalesce(entity_returns.returned_count, 0), entity_sales.sold_count) as integer) as returned_count,
        cast(coalesce(entity_returns.refund_amount, 0) as decimal(18, 2)) as refund_amount,
        entity_sales.usual_rate,
        coalesce(shop_rate.return_rate > 0, false) as has_shop_returns,
        coalesce(shop_rate.return_rate > 0, false) and entity_sales.sold_count >= {{ var('anomaly_return_lines') }}
            as is_judged
    from entity_sales
    cross join shop_rate
    left join entity_returns
        on
            entity_sales.entity_type = entity_returns.entity_type
            and entity_sales.entity_id = entity_returns.entity_id
)

select * from int_return_rates
