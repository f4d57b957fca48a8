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

stock as (
    select
        product_id,
        cast(sum(stock_quantity) as bigint) as stock_quantity
    from {{ ref('stg_shop__inventory') }}
    group by 1
),

named_products as (
    select product_id
    from {{ ref('stg_shop__orders') }}
    group by 1
    union
    select product_id
    from {{ ref('stg_shop__returns') }}
    where product_id is not null
    group by 1
    union
    select product_id
    from stock
),

all_products as (
    select
        coalesce(products.product_id, named_products.product_id) as product_id,
        products.product_name,
        products.category,
        products.brand,
        products.price,
        products.cost,
        products.product_id is null as is_inferred
    from products
    full outer join named_products
        on products.product_id = named_products.product_id
),

dim_products as (
    select
        all_products.product_id,
        all_products.product_name,
        all_products.category,
        all_products.brand,
        all_products.price as unit_price,
        all_products.cost as unit_cost,
        stock.stock_quantity,
        coalesce(stock.stock_quantity <= {{ var('low_stock_threshold') }}, false) as is_low_stock,
        all_products.is_inferred
    from all_products
    left join stock
        on all_products.product_id = stock.product_id
)

select * from dim_products
