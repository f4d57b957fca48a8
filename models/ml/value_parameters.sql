-- Grain: one row per fit and parameter of the newest version of the value model that was not trained
-- after as_of_date.
with

value_model as (
    select
        model_version,
        cast(as_of_date as date) as trained_date,
        fit,
        model,
        parameter_type,
        feature,
        transform,
        cast(snapshot_date as date) as snapshot_date,
        fill_value,
        mean_value,
        scale_value,
        coefficient,
        value,
        note
    from {{ ref('value_model') }}
),

newest as (
    select max(trained_date) as trained_date
    from value_model
    where trained_date <= {{ as_of_date() }}
),

value_parameters as (
    select
        value_model.model_version,
        value_model.trained_date,
        value_model.fit,
        value_model.model,
        value_model.parameter_type,
        value_model.feature,
        value_model.transform,
        value_model.snapshot_date,
        value_model.fill_value,
        value_model.mean_value,
        value_model.scale_value,
        value_model.coefficient,
        value_model.value,
        value_model.note
    from value_model
    inner join newest
        on value_model.trained_date = newest.trained_date
)

select * from value_parameters
