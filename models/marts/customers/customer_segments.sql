-- Grain: one row per customer with an order. Nothing adds up across rows.
with

segment_scores as (
    select
        customer_id,
        snapshot_date,
        segment_id,
        distance
    from {{ ref('segment_scores') }}
    where snapshot_date = {{ as_of_date() }}
),

segment_parameters as (
    select
        segment_id,
        segment_name,
        model_version,
        model_status,
        status_reason
    from {{ ref('segment_parameters') }}
),

segment_archetypes as (
    select
        segment_name,
        recommended_action
    from {{ ref('segment_archetypes') }}
),

segments as (
    select
        segment_id,
        segment_name,
        model_version,
        model_status,
        status_reason
    from segment_parameters
    group by 1, 2, 3, 4, 5
),

customer_segments as (
    select
        segment_scores.customer_id,
        segment_scores.segment_id,
        segments.segment_name,
        segment_scores.distance,
        segment_archetypes.recommended_action,
        coalesce(segments.model_status, 'no_model') as segment_status,
        case
            when segments.segment_id is null then 'No version was trained by as_of_date.'
            else segments.status_reason
        end as status_reason,
        segment_scores.snapshot_date as as_of_date,
        segments.model_version
    from segment_scores
    left join segments
        on segment_scores.segment_id = segments.segment_id
    left join segment_archetypes
        on segments.segment_name = segment_archetypes.segment_name
)

select * from customer_segments
