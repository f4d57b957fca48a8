-- Grain: one row per product, in the product master or only named by an order, a return or the stock.
with

products as (
    select
        product_id,
        product_name,
        category,
        brand,
        price,
        cost
    from {{ ref('stg_shop__products') }}
),

named_products as (
    select product_id
    from {{ ref('fct_order_lines') }}
    group by 1
    union
    select product_id
    from {{ ref('stg_shop__returns') }}
    where product_id is not null
    group by 1
    union
    select product_id
    from {{ ref('stg_shop__inventory') }}
    group by 1
),

dim_products as (
    select
        coalesce(products.product_id, named_products.product_id) as product_id,
        products.product_name,
        products.category,
        products.brand,
        products.price as unit_price,
        products.cost as unit_cost,
        products.product_id is null as is_inferred
    from products
    full outer join named_products
        on products.product_id = named_products.product_id
)

select * from dim_products
