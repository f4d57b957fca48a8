-- Grain: one row per segment and feature of the version in use. The casts give the columns of a Python
-- model, upper case there, their name here.
with

trained as (
    select
        cast(model_version as varchar) as model_version,
        cast(as_of_date as date) as trained_date,
        cast(training_number as integer) as training_number,
        cast(segment_id as varchar) as segment_id,
        cast(segment_name as varchar) as segment_name,
        -- Versions of before there were feature sets were told apart by all features.
        coalesce(cast(feature_set as varchar), 'enriched') as feature_set,
        cast(feature as varchar) as feature,
        coalesce(cast(is_clustered as boolean), true) as is_clustered,
        cast(centroid as double) as centroid,
        cast(mean as double) as mean,
        cast(scale as double) as scale,
        cast(silhouette as double) as silhouette,
        cast(model_status as varchar) as model_status,
        cast(status_reason as varchar) as status_reason
    from {{ ref('segment_model') }}
    -- A training without customers is no version to go by.
    where segment_id is not null
),

segment_parameters as (
    {{ newest_version('trained', [
        'model_version', 'trained_date', 'segment_id', 'segment_name', 'feature_set', 'feature',
        'is_clustered', 'centroid', 'mean', 'scale', 'silhouette', 'model_status', 'status_reason',
    ], ['training_number desc', 'model_version asc']) }}
)

select * from segment_parameters
