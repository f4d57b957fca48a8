-- Grain: one row per product and other product that were often in one order. Nothing adds up across rows.
-- Support, confidence and lift as Agrawal, Imielinski and Swami (1993, Mining association rules between sets of items)
-- and Brin et al. (1997, Dynamic itemset counting) define them.
with

order_lines as (
    select
        order_id,
        product_id
    from {{ ref('fct_order_lines') }}
    where not is_cancelled
    group by 1, 2
),

baskets as (
    select
        order_id,
        count(*) as product_count
    from order_lines
    group by 1
    -- A wholesaler's order of everything says nothing of what goes together, and has the most pairs by far.
    having count(*) <= {{ var('pair_basket_products') }}
),

basket_lines as (
    select
        order_lines.order_id,
        order_lines.product_id
    from order_lines
    inner join baskets
        on order_lines.order_id = baskets.order_id
),

totals as (
    select count(*) as order_count
    from baskets
),

products as (
    select
        product_id,
        count(*) as order_count
    from basket_lines
    group by 1
    -- A product of fewer orders is in no pair of so many.
    having count(*) >= {{ var('pair_order_floor') }}
),

frequent_lines as (
    select
        basket_lines.order_id,
        basket_lines.product_id
    from basket_lines
    inner join products
        on basket_lines.product_id = products.product_id
),

pairs as (
    select
        frequent_lines.product_id,
        other_lines.product_id as other_product_id,
        count(*) as pair_order_count
    from frequent_lines
    inner join frequent_lines as other_lines
        on
            frequent_lines.order_id = other_lines.order_id
            and frequent_lines.product_id != other_lines.product_id
    group by 1, 2
    having count(*) >= {{ var('pair_order_floor') }}
),

names as (
    select
        product_id,
        product_name
    from {{ ref('dim_products') }}
),

product_pairs as (
    select
        pairs.product_id,
        names.product_name,
        pairs.other_product_id,
        other_names.product_name as other_product_name,
        cast(pairs.pair_order_count as integer) as pair_order_count,
        cast(products.order_count as integer) as order_count,
        cast(other_products.order_count as integer) as other_order_count,
        cast(pairs.pair_order_count as double) / totals.order_count as support,
        cast(pairs.pair_order_count as double) / products.order_count as confidence,
        cast(pairs.pair_order_count as double) * totals.order_count
        / (cast(products.order_count as double) * other_products.order_count) as lift,
        {{ as_of_date() }} as as_of_date
    from pairs
    inner join products
        on pairs.product_id = products.product_id
    inner join products as other_products
        on pairs.other_product_id = other_products.product_id
    inner join names
        on pairs.product_id = names.product_id
    inner join names as other_names
        on pairs.other_product_id = other_names.product_id
    cross join totals
)

select * from product_pairs
