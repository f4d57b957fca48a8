-- Grain: one row per fit and parameter of the version in use.
with

trained as (
    select
        model_version,
        fit,
        parameter_type,
        feature,
        cast(snapshot_date as date) as snapshot_date,
        value,
        note,
        cast(as_of_date as date) as trained_date
    from {{ ref('value_model') }}
),

value_parameters as (
    {{ newest_version('trained', [
        'trained_date', 'model_version', 'fit', 'parameter_type', 'feature', 'snapshot_date', 'value', 'note',
    ]) }}
)

select * from value_parameters
