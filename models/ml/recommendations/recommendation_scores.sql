-- Grain: one row per snapshot date, list, model, customer and rank: up to ten products. On as_of_date every customer has
-- the lists that are published; on the past date those who bought before and after it have them beside simple rules.
{%- set list_length, popular_products = 10, 40 %}
with

audience as (
    select
        snapshot_date,
        customer_id,
        is_past
    from {{ ref('int_recommendation_audience') }}
),

purchases as (
    select
        audience.snapshot_date,
        audience.customer_id,
        audience.is_past,
        product_purchases.product_id,
        product_purchases.purchase_days,
        product_purchases.decayed_purchases
    from {{ ref('int_product_purchases') }} as product_purchases
    inner join audience
        on
            product_purchases.snapshot_date = audience.snapshot_date
            and product_purchases.customer_id = audience.customer_id
),

product_trends as (
    select
        snapshot_date,
        product_id,
        customer_count,
        trend,
        repeat_share,
        popularity_rank,
        recent_rank
    from {{ ref('int_product_trends') }}
    where is_offered
),

new_products as (
    select
        snapshot_date,
        customer_id,
        model,
        list_rank,
        product_id,
        score,
        reason_product_id,
        model_version
    from {{ ref('new_product_scores') }}
),

listed as (
    select
        audience.snapshot_date,
        audience.customer_id,
        audience.is_past,
        count(new_products.product_id) as product_count
    from audience
    left join new_products
        on
            audience.snapshot_date = new_products.snapshot_date
            and audience.customer_id = new_products.customer_id
            and new_products.model = 'recommended'
    group by 1, 2, 3
),

popular as (
    select
        listed.snapshot_date,
        listed.customer_id,
        listed.is_past,
        listed.product_count,
        product_trends.product_id,
        product_trends.customer_count,
        product_trends.popularity_rank,
        product_trends.recent_rank,
        purchases.product_id is not null as is_bought,
        new_products.product_id is not null as is_listed
    from listed
    inner join product_trends
        on
            listed.snapshot_date = product_trends.snapshot_date
            and (
                product_trends.popularity_rank <= {{ popular_products }}
                or product_trends.recent_rank <= {{ popular_products }}
            )
    left join purchases
        on
            listed.snapshot_date = purchases.snapshot_date
            and listed.customer_id = purchases.customer_id
            and product_trends.product_id = purchases.product_id
    left join new_products
        on
            listed.snapshot_date = new_products.snapshot_date
            and listed.customer_id = new_products.customer_id
            and product_trends.product_id = new_products.product_id
            and new_products.model = 'recommended'
    where listed.is_past or listed.product_count < {{ list_length }}
),

candidates as (
    select
        snapshot_date,
        customer_id,
        'new_to_you' as list,
        model,
        product_id,
        score,
        list_rank as tie_rank
    from new_products
    union all
    select
        snapshot_date,
        customer_id,
        'new_to_you' as list,
        'recommended' as model,
        product_id,
        0.000001 / recent_rank as score,
        recent_rank as tie_rank
    from popular
    where not is_bought and not is_listed and product_count < {{ list_length }}
    union all
    select
        snapshot_date,
        customer_id,
        'new_to_you' as list,
        'best_sellers' as model,
        product_id,
        cast(customer_count as double) as score,
        popularity_rank as tie_rank
    from popular
    where is_past and not is_bought
    union all
    select
        snapshot_date,
        customer_id,
        'buy_again' as list,
        'best_sellers' as model,
        product_id,
        cast(customer_count as double) as score,
        popularity_rank as tie_rank
    from popular
    where is_past
    union all
    select
        purchases.snapshot_date,
        purchases.customer_id,
        'buy_again' as list,
        'recommended' as model,
        purchases.product_id,
        cast(purchases.decayed_purchases as double)
        * sqrt(
            product_trends.repeat_share * (product_trends.trend + 0.01) * sqrt(product_trends.customer_count)
        ) as score,
        product_trends.popularity_rank as tie_rank
    from purchases
    inner join product_trends
        on
            purchases.snapshot_date = product_trends.snapshot_date
            and purchases.product_id = product_trends.product_id
    union all
    select
        purchases.snapshot_date,
        purchases.customer_id,
        'buy_again' as list,
        'frequency' as model,
        purchases.product_id,
        cast(purchases.purchase_days as double) as score,
        product_trends.popularity_rank as tie_rank
    from purchases
    inner join product_trends
        on
            purchases.snapshot_date = product_trends.snapshot_date
            and purchases.product_id = product_trends.product_id
    where purchases.is_past
),

ranked as (
    select
        *,
        row_number() over (
            partition by snapshot_date, list, model, customer_id
            order by score desc, tie_rank asc
        ) as list_rank
    from candidates
),

recommendation_scores as (
    select
        ranked.snapshot_date,
        ranked.customer_id,
        ranked.list,
        ranked.model,
        cast(ranked.list_rank as integer) as list_rank,
        ranked.product_id,
        ranked.score,
        new_products.reason_product_id,
        coalesce(new_products.model_version, 'rule') as model_version
    from ranked
    left join new_products
        on
            ranked.snapshot_date = new_products.snapshot_date
            and ranked.customer_id = new_products.customer_id
            and ranked.model = new_products.model
            and ranked.product_id = new_products.product_id
            and ranked.list = 'new_to_you'
    where ranked.list_rank <= {{ list_length }}
)

select * from recommendation_scores
