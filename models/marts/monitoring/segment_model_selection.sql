-- Grain: one row per feature set and number of segments. Nothing adds up across rows.
with

segment_selection as (
    select
        cast(as_of_date as date) as as_of_date,
        cast(feature_set as varchar) as feature_set,
        cast(segment_count as integer) as segment_count,
        cast(inertia as double) as inertia,
        cast(silhouette as double) as silhouette,
        cast(calinski_harabasz as double) as calinski_harabasz,
        cast(davies_bouldin as double) as davies_bouldin,
        cast(smallest_segment_share as double) as smallest_segment_share,
        cast(explained_share as double) as explained_share,
        cast(explained_dates as integer) as explained_dates,
        cast(seed_agreement as double) as seed_agreement,
        cast(month_agreement as double) as month_agreement,
        cast(training_rows as integer) as training_rows
    from {{ ref('segment_selection') }}
),

segment_parameters as (
    select
        model_version,
        feature_set,
        count(distinct segment_id) as segment_count
    from {{ ref('segment_parameters') }}
    group by 1, 2
),

segment_model_selection as (
    select
        segment_selection.feature_set,
        segment_selection.segment_count,
        segment_selection.inertia,
        segment_selection.silhouette,
        segment_selection.calinski_harabasz,
        segment_selection.davies_bouldin,
        segment_selection.smallest_segment_share,
        segment_selection.explained_share,
        segment_selection.explained_dates,
        segment_selection.seed_agreement,
        segment_selection.month_agreement,
        segment_parameters.segment_count is not null as is_in_use,
        case when segment_selection.inertia is null then 'too_few_customers' else 'measured' end
            as selection_status,
        segment_selection.training_rows,
        segment_parameters.model_version,
        segment_selection.as_of_date
    from segment_selection
    left join segment_parameters
        on
            segment_selection.segment_count = segment_parameters.segment_count
            and segment_selection.feature_set = segment_parameters.feature_set
)

select * from segment_model_selection
