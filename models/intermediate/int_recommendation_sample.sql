-- Grain: one row per snapshot date, sampled customer and product that they had bought, of the products that most
-- customers bought. Both bounds are vars, so training costs the same at any size.
with

product_purchases as (
    select
        snapshot_date,
        customer_id,
        product_id,
        recency_weight
    from {{ ref('int_product_purchases') }}
    where is_sampled
),

product_trends as (
    select
        snapshot_date,
        product_id
    from {{ ref('int_product_trends') }}
    where popularity_rank <= {{ var('recommendation_products') }}
),

int_recommendation_sample as (
    select
        product_purchases.snapshot_date,
        product_purchases.customer_id,
        product_purchases.product_id,
        cast(product_purchases.recency_weight as double) as recency_weight
    from product_purchases
    inner join product_trends
        on
            product_purchases.snapshot_date = product_trends.snapshot_date
            and product_purchases.product_id = product_trends.product_id
)

select * from int_recommendation_sample
