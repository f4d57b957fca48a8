-- Grain: one row per snapshot date, model, customer and rank: up to ten products that the customer never bought, as far as
-- what they bought speaks for any; recommendation_scores fills the lists.
{%- set batches = batch_count(ref('int_product_purchases')) %}
{{ config(post_hook="{{ insert_other_batches(batch_count(ref('int_product_purchases'))) }}") }}
{%- set list_length, products_spoken_for = 10, 20 %}
with

audience as (
    select
        snapshot_date,
        customer_id,
        is_past,
        -- A number tells customers, and below products, apart faster than their ids.
        row_number() over (order by snapshot_date, customer_id) as customer_number
    from {{ ref('int_recommendation_audience') }}
    where {{ in_first_batch('customer_id', batches) }}
),

product_purchases as (
    select
        snapshot_date,
        customer_id,
        product_id,
        cast(recency_weight as double) as recency_weight
    from {{ ref('int_product_purchases') }}
),

product_trends as (
    select
        snapshot_date,
        product_id,
        is_offered,
        trend,
        popularity_rank
    from {{ ref('int_product_trends') }}
),

trained as (
    select
        cast(trained_date as date) as trained_date,
        cast(model as varchar) as model,
        cast(product_id as varchar) as product_id,
        cast(neighbour_product_id as varchar) as neighbour_product_id,
        cast(weight as double) as weight,
        cast(model_version as varchar) as model_version
    from {{ ref('product_neighbours') }}
),

snapshot_dates as (
    select
        snapshot_date,
        is_past
    from audience
    group by 1, 2
),

versions as (
    select
        snapshot_dates.snapshot_date,
        trained.model,
        max(trained.trained_date) as trained_date,
        max(trained.model_version) as model_version
    from snapshot_dates
    inner join trained
        on
            snapshot_dates.snapshot_date >= trained.trained_date
            and (snapshot_dates.is_past or trained.model = 'ease')
    group by 1, 2
),

weights as (
    select
        versions.snapshot_date,
        trained.model,
        trained.product_id,
        trained.neighbour_product_id,
        trained.weight * case versions.model when 'ease' then product_trends.trend else 1 end as weight,
        product_trends.popularity_rank,
        neighbour_trends.popularity_rank as neighbour_rank
    from versions
    inner join trained
        on
            versions.model = trained.model
            and versions.trained_date = trained.trained_date
    inner join product_trends
        on
            versions.snapshot_date = product_trends.snapshot_date
            and trained.product_id = product_trends.product_id
            and product_trends.is_offered
    inner join product_trends as neighbour_trends
        on
            versions.snapshot_date = neighbour_trends.snapshot_date
            and trained.neighbour_product_id = neighbour_trends.product_id
),

ranked_weights as (
    select
        *,
        row_number() over (
            partition by snapshot_date, model, neighbour_rank
            order by weight desc, popularity_rank asc
        ) as weight_rank,
        -- The reason for a product is the strongest of what speaks for it.
        case when weight > 0 then row_number() over (
            partition by snapshot_date, model, popularity_rank
            order by weight desc, neighbour_product_id asc
        ) end as reason_rank
    from weights
),

-- What is bought by many stands among the neighbours of hundreds of products; it speaks for those that it says most of.
strong_weights as (
    select *
    from ranked_weights
    where weight_rank <= {{ products_spoken_for }}
),

purchases as (
    select
        audience.customer_number,
        product_purchases.snapshot_date,
        product_purchases.customer_id,
        product_purchases.recency_weight,
        product_trends.popularity_rank
    from product_purchases
    inner join audience
        on
            product_purchases.snapshot_date = audience.snapshot_date
            and product_purchases.customer_id = audience.customer_id
    inner join product_trends
        on
            product_purchases.snapshot_date = product_trends.snapshot_date
            and product_purchases.product_id = product_trends.product_id
),

scores as (
    select
        purchases.customer_number,
        strong_weights.model,
        strong_weights.popularity_rank,
        -- Decimals, because doubles add up to other bits in another order.
        cast(sum(cast(
            strong_weights.weight * case strong_weights.model when 'ease' then purchases.recency_weight else 1 end
            as decimal(18, 12)
        )) as double) as score,
        min(strong_weights.reason_rank) as reason_rank
    from purchases
    inner join strong_weights
        on
            purchases.snapshot_date = strong_weights.snapshot_date
            and purchases.popularity_rank = strong_weights.neighbour_rank
    group by 1, 2, 3
),

new_scores as (
    select
        scores.customer_number,
        scores.model,
        scores.popularity_rank,
        scores.score,
        scores.reason_rank
    from scores
    left join purchases
        on
            scores.customer_number = purchases.customer_number
            and scores.popularity_rank = purchases.popularity_rank
    -- Less says nothing of the customer.
    where purchases.customer_number is null and scores.score > 0.000001
),

ranked as (
    select
        *,
        row_number() over (
            partition by customer_number, model
            -- One expression: DuckDB then keeps the best alone instead of sorting all. Equal scores go by popularity.
            order by score - popularity_rank * 1e-13 desc
        ) as list_rank
    from new_scores
),

lists as (
    select
        audience.snapshot_date,
        audience.customer_id,
        ranked.customer_number,
        ranked.model,
        ranked.list_rank,
        ranked.popularity_rank,
        ranked.reason_rank,
        product_trends.product_id,
        ranked.score
    from ranked
    inner join audience
        on ranked.customer_number = audience.customer_number
    inner join product_trends
        on
            audience.snapshot_date = product_trends.snapshot_date
            and ranked.popularity_rank = product_trends.popularity_rank
    where ranked.list_rank <= {{ list_length }}
),

new_product_scores as (
    select
        lists.snapshot_date,
        lists.customer_id,
        case lists.model when 'ease' then 'recommended' else lists.model end as model,
        cast(lists.list_rank as integer) as list_rank,
        lists.product_id,
        lists.score,
        versions.model_version,
        reasons.neighbour_product_id as reason_product_id
    from lists
    inner join versions
        on
            lists.snapshot_date = versions.snapshot_date
            and lists.model = versions.model
    left join ranked_weights as reasons
        on
            lists.snapshot_date = {{ as_of_date() }}
            and lists.snapshot_date = reasons.snapshot_date
            and lists.model = reasons.model
            and lists.popularity_rank = reasons.popularity_rank
            and lists.reason_rank = reasons.reason_rank
)

select * from new_product_scores
