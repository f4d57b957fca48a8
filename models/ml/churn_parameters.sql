-- Grain: one row per fit, model and parameter of the newest version that was not trained after
-- as_of_date, so that a past day replayed later does not see the future.
with

churn_model as (
    select
        model_version,
        cast(as_of_date as date) as trained_date,
        fit,
        model,
        parameter_type,
        feature,
        transform,
        feature_group,
        cast(snapshot_date as date) as snapshot_date,
        fill_value,
        mean_value,
        scale_value,
        coefficient,
        value,
        note
    from {{ ref('churn_model') }}
),

newest as (
    select max(trained_date) as trained_date
    from churn_model
    where trained_date <= {{ as_of_date() }}
),

churn_parameters as (
    select
        churn_model.model_version,
        churn_model.trained_date,
        churn_model.fit,
        churn_model.model,
        churn_model.parameter_type,
        churn_model.feature,
        churn_model.transform,
        churn_model.feature_group,
        churn_model.snapshot_date,
        churn_model.fill_value,
        churn_model.mean_value,
        churn_model.scale_value,
        churn_model.coefficient,
        churn_model.value,
        churn_model.note
    from churn_model
    inner join newest
        on churn_model.trained_date = newest.trained_date
)

select * from churn_parameters
