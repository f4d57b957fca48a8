-- Grain: one row per customer, list and rank, up to ten products each. Nothing adds up.
with

recommendation_scores as (
    select
        customer_id,
        list,
        list_rank,
        product_id,
        score,
        reason_product_id,
        model_version
    from {{ ref('recommendation_scores') }}
    where snapshot_date = {{ as_of_date() }} and model = 'recommended'
),

product_purchases as (
    select
        customer_id,
        product_id,
        purchase_days,
        last_purchase_date
    from {{ ref('int_product_purchases') }}
    where snapshot_date = {{ as_of_date() }}
),

product_trends as (
    select
        product_id,
        customer_count,
        recent_customer_count
    from {{ ref('int_product_trends') }}
    where snapshot_date = {{ as_of_date() }}
),

products as (
    select
        product_id,
        product_name,
        category
    from {{ ref('dim_products') }}
),

product_recommendations as (
    select
        recommendation_scores.customer_id,
        recommendation_scores.list,
        recommendation_scores.list_rank as rank,
        recommendation_scores.product_id,
        products.product_name,
        products.category,
        cast(recommendation_scores.score as double) as score,
        case
            when recommendation_scores.list = 'buy_again'
                then
                    'Bought on ' || {{ days_in_words('product_purchases.purchase_days') }} || ', last '
                    || {{ days_in_words(dbt.datediff('product_purchases.last_purchase_date', as_of_date(), 'day')) }}
                    || ' ago.'
            when reason_products.product_id is not null
                then
                    'Often bought by customers who bought '
                    || coalesce(reason_products.product_name, reason_products.product_id) || '.'
            when product_trends.recent_customer_count > 0
                then
                    'Customers who bought it in the last 30 days: '
                    || cast(product_trends.recent_customer_count as varchar) || '.'
            else 'Customers who bought it so far: ' || cast(product_trends.customer_count as varchar) || '.'
        end as reason,
        recommendation_scores.model_version,
        {{ as_of_date() }} as as_of_date
    from recommendation_scores
    inner join products
        on recommendation_scores.product_id = products.product_id
    inner join product_trends
        on recommendation_scores.product_id = product_trends.product_id
    left join products as reason_products
        on recommendation_scores.reason_product_id = reason_products.product_id
    left join product_purchases
        on
            recommendation_scores.customer_id = product_purchases.customer_id
            and recommendation_scores.product_id = product_purchases.product_id
)

select * from product_recommendations
