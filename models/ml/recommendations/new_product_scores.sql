-- Grain: one row per snapshot date, model, customer and rank: up to ten products that the customer never bought, as far as
-- what they bought speaks for any; recommendation_scores fills the lists.
{%- set list_length = 10 %}
with

audience as (
    select
        snapshot_date,
        customer_id,
        is_past
    from {{ ref('int_recommendation_audience') }}
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
        product_trends.popularity_rank
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
),

purchases as (
    select
        product_purchases.snapshot_date,
        product_purchases.customer_id,
        product_purchases.product_id,
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
        purchases.snapshot_date,
        purchases.customer_id,
        weights.model,
        -- A number tells products apart faster than their ids.
        weights.popularity_rank,
        -- Decimals, because doubles add up to other bits in another order.
        cast(sum(cast(
            weights.weight * case weights.model when 'ease' then purchases.recency_weight else 1 end
            as decimal(18, 12)
        )) as double) as score
    from purchases
    inner join weights
        on
            purchases.snapshot_date = weights.snapshot_date
            and purchases.product_id = weights.neighbour_product_id
    group by 1, 2, 3, 4
),

new_scores as (
    select
        scores.snapshot_date,
        scores.customer_id,
        scores.model,
        scores.popularity_rank,
        scores.score
    from scores
    left join purchases
        on
            scores.snapshot_date = purchases.snapshot_date
            and scores.customer_id = purchases.customer_id
            and scores.popularity_rank = purchases.popularity_rank
    -- Less says nothing of the customer.
    where purchases.customer_id is null and scores.score > 0.000001
),

ranked as (
    select
        *,
        row_number() over (
            partition by snapshot_date, model, customer_id
            order by score desc, popularity_rank asc
        ) as list_rank
    from new_scores
),

lists as (
    select
        ranked.snapshot_date,
        ranked.customer_id,
        ranked.model,
        ranked.list_rank,
        product_trends.product_id,
        ranked.score
    from ranked
    inner join product_trends
        on
            ranked.snapshot_date = product_trends.snapshot_date
            and ranked.popularity_rank = product_trends.popularity_rank
    where ranked.list_rank <= {{ list_length }}
),

reasons as (
    select
        lists.customer_id,
        lists.product_id,
        weights.neighbour_product_id,
        row_number() over (
            partition by lists.customer_id, lists.product_id
            order by weights.weight desc, weights.neighbour_product_id asc
        ) as reason_rank
    from lists
    inner join weights
        on
            lists.snapshot_date = weights.snapshot_date
            and lists.product_id = weights.product_id
            and weights.weight > 0
    inner join purchases
        on
            lists.snapshot_date = purchases.snapshot_date
            and lists.customer_id = purchases.customer_id
            and weights.neighbour_product_id = purchases.product_id
    where lists.snapshot_date = {{ as_of_date() }}
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
    left join reasons
        on
            lists.snapshot_date = {{ as_of_date() }}
            and lists.customer_id = reasons.customer_id
            and lists.product_id = reasons.product_id
            and reasons.reason_rank = 1
)

select * from new_product_scores
