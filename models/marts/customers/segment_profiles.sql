-- Grain: one row per segment of the version in use, with or without a customer today. customer_count,
-- revenue and the shares add up; medians and distances do not.
{#- What a segment is like where its mean lies at least 0.4 standard deviations below or above that of all. -#}
{%- set words = {
    'log_recency': ['ordered lately', 'silent for long'],
    'log_frequency': ['order seldom', 'order often'],
    'log_monetary': ['spent little', 'spent much'],
    'log_order_value': ['small orders', 'large orders'],
    'discount_share': ['pay full price', 'buy what is reduced'],
    'tenure_days': ['customers for a short time', 'customers for long'],
    'category_breadth': ['buy in few categories', 'buy in many categories'],
    'log_events': ['rarely look around', 'look around often'],
} %}
{%- set features = segment_features().keys() | list %}
with

segment_parameters as (
    select
        segment_id,
        segment_name,
        feature_set,
        feature,
        is_clustered,
        centroid,
        mean,
        scale,
        silhouette,
        model_version
    from {{ ref('segment_parameters') }}
),

segment_archetypes as (
    select
        segment_name,
        recommended_action
    from {{ ref('segment_archetypes') }}
),

customer_segments as (
    select
        customer_id,
        segment_id,
        distance
    from {{ ref('customer_segments') }}
    where segment_id is not null
),

customer_snapshots as (
    select
        customer_id,
        recency_days,
        frequency,
        monetary,
        average_order_value,
        tenure_days,
        discount_share,
        category_count
    from {{ ref('int_customer_snapshots') }}
    where snapshot_date = {{ as_of_date() }}
),

segment_features as (
    select
        customer_id,
        {{ features | join(',\n        ') }}
    from {{ ref('int_segment_features') }}
    where snapshot_date = {{ as_of_date() }}
),

segments as (
    select
        segment_id,
        segment_name,
        feature_set,
        silhouette,
        model_version
    from segment_parameters
    group by 1, 2, 3, 4, 5
),

-- Sums of exact numbers, so that they come to the same bits in any order.
measured as (
    select
        customer_segments.segment_id,
        count(*) as customer_count,
        sum(customer_snapshots.monetary) as revenue,
        percentile_cont(0.5) within group (order by customer_snapshots.recency_days) as median_recency_days,
        percentile_cont(0.5) within group (order by customer_snapshots.frequency) as median_frequency,
        percentile_cont(0.5) within group (order by customer_snapshots.monetary) as median_monetary,
        percentile_cont(0.5) within group (order by customer_snapshots.average_order_value)
            as median_order_value,
        percentile_cont(0.5) within group (order by customer_snapshots.tenure_days) as median_tenure_days,
        percentile_cont(0.5) within group (order by customer_snapshots.category_count)
            as median_category_count,
        cast(sum(cast(customer_snapshots.discount_share as decimal(18, 9))) as double)
        / nullif(count(customer_snapshots.discount_share), 0) as mean_discount_share,
        cast(sum(cast(customer_segments.distance as decimal(18, 9))) as double) / count(*) as mean_distance
    from customer_segments
    inner join customer_snapshots
        on customer_segments.customer_id = customer_snapshots.customer_id
    group by 1
),

totals as (
    select
        sum(customer_count) as customer_count,
        sum(revenue) as revenue
    from measured
),

feature_means as (
    {% for feature in features -%}
    select
        customer_segments.segment_id,
        '{{ feature }}' as feature,
        {{ loop.index }} as place,
        cast(sum(cast(segment_features.{{ feature }} as decimal(18, 9))) as double) / count(*) as mean,
        '{{ words[feature][0] }}' as low_words,
        '{{ words[feature][1] }}' as high_words
    from customer_segments
    inner join segment_features
        on customer_segments.customer_id = segment_features.customer_id
    group by 1
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

deviations as (
    select
        feature_means.segment_id,
        feature_means.place,
        (feature_means.mean - segment_parameters.mean) / segment_parameters.scale as deviation,
        feature_means.low_words,
        feature_means.high_words
    from feature_means
    inner join segment_parameters
        on
            feature_means.segment_id = segment_parameters.segment_id
            and feature_means.feature = segment_parameters.feature
),

ranked as (
    select
        segment_id,
        case when deviation > 0 then high_words else low_words end as wording,
        row_number() over (partition by segment_id order by abs(deviation) desc, place asc) as place_of
    from deviations
    where abs(deviation) >= 0.4
),

characterised as (
    select
        segment_id,
        max(case when place_of = 1 then wording end)
        || coalesce(', ' || max(case when place_of = 2 then wording end), '')
        || coalesce(', ' || max(case when place_of = 3 then wording end), '') as wording
    from ranked
    group by 1
),

centroids as (
    select
        segment_id,
        feature,
        centroid
    from segment_parameters
    where is_clustered
),

centroid_distances as (
    select
        centroids.segment_id,
        other_centroids.segment_id as other_segment_id,
        sqrt(sum(cast(
            (centroids.centroid - other_centroids.centroid) * (centroids.centroid - other_centroids.centroid) as decimal(28, 12)
        ))) as distance
    from centroids
    inner join centroids as other_centroids
        on
            centroids.feature = other_centroids.feature
            and centroids.segment_id != other_centroids.segment_id
    group by 1, 2
),

nearest as (
    select
        centroid_distances.segment_id,
        segments.segment_name,
        centroid_distances.distance,
        row_number() over (
            partition by centroid_distances.segment_id
            order by centroid_distances.distance, centroid_distances.other_segment_id
        ) as place_of
    from centroid_distances
    inner join segments
        on centroid_distances.other_segment_id = segments.segment_id
),

segment_profiles as (
    select
        segments.segment_id,
        segments.segment_name,
        upper(left(characterised.wording, 1)) || substring(characterised.wording, 2) || '.' as traits,
        segment_archetypes.recommended_action,
        cast(coalesce(measured.customer_count, 0) as integer) as customer_count,
        cast(coalesce(measured.customer_count, 0) as double) / nullif(totals.customer_count, 0) as customer_share,
        cast(coalesce(measured.revenue, 0) as decimal(18, 2)) as revenue,
        cast(coalesce(measured.revenue, 0) as double) / nullif(cast(totals.revenue as double), 0) as revenue_share,
        cast(measured.median_recency_days as double) as median_recency_days,
        cast(measured.median_frequency as double) as median_frequency,
        cast(measured.median_monetary as decimal(18, 2)) as median_monetary,
        cast(measured.median_order_value as decimal(18, 2)) as median_order_value,
        cast(measured.median_tenure_days as double) as median_tenure_days,
        cast(measured.median_category_count as double) as median_category_count,
        measured.mean_discount_share,
        segments.silhouette,
        measured.mean_distance,
        nearest.segment_name as nearest_segment_name,
        cast(nearest.distance as double) as nearest_segment_distance,
        segments.feature_set,
        {{ as_of_date() }} as as_of_date,
        segments.model_version
    from segments
    cross join totals
    left join measured
        on segments.segment_id = measured.segment_id
    left join characterised
        on segments.segment_id = characterised.segment_id
    left join nearest
        on
            segments.segment_id = nearest.segment_id
            and nearest.place_of = 1
    left join segment_archetypes
        on segments.segment_name = segment_archetypes.segment_name
)

select * from segment_profiles
