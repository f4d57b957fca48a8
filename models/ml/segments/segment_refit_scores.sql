-- Grain: one row per sampled customer and month. What the customer's segment would be had the model been
-- fitted to that month.
{%- set features = segment_features().keys() | list %}
with

customers as (
    select
        customer_id,
        snapshot_date,
        {{ features | join(',\n        ') }}
    from {{ ref('int_segment_sample') }}
    where sample_number <= {{ var('segment_drift_rows') }}
),

segment_refits as (
    select
        cast(snapshot_date as date) as snapshot_date,
        cast(segment_id as varchar) as segment_id,
        cast(feature as varchar) as feature,
        cast(centroid as double) as centroid,
        cast(mean as double) as mean,
        cast(scale as double) as scale
    from {{ ref('segment_refits') }}
),

nearest as (
    {{ nearest_segment('customers', 'segment_refits', by_date=true) }}
),

segment_refit_scores as (
    select
        customer_id,
        snapshot_date,
        segment_id
    from nearest
)

select * from segment_refit_scores
