-- Grain: one row per customer and day that customers are segmented on. All days are scored with the
-- version in use, so that a customer who changes segment did so by what they bought.
{%- set features = segment_features().keys() | list %}
with

segment_features as (
    select
        customer_id,
        snapshot_date,
        {{ features | join(',\n        ') }}
    from {{ ref('int_segment_features') }}
),

segment_dates as (
    select snapshot_date
    from {{ ref('int_segment_dates') }}
),

segment_parameters as (
    select
        segment_id,
        feature,
        centroid,
        mean,
        scale
    from {{ ref('segment_parameters') }}
    where is_clustered
),

customers as (
    select segment_features.*
    from segment_features
    inner join segment_dates
        on segment_features.snapshot_date = segment_dates.snapshot_date
),

segment_scores as (
    {{ nearest_segment('customers', 'segment_parameters') }}
)

select * from segment_scores
