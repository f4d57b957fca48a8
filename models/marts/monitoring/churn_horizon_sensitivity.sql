-- Grain: one row per horizon that churn could be defined by. Nothing adds up.
{%- set metrics = ['auc', 'log_loss', 'brier', 'calibration_error', 'churn_rate'] %}
with

parameters as (
    select
        note,
        snapshot_date,
        feature,
        value,
        model_version
    from {{ ref('churn_parameters') }}
    where parameter_type = 'sensitivity'
),

churn_horizon_sensitivity as (
    select
        note as horizon,
        cast(max(case when feature = 'horizon_days' then value end) as integer) as horizon_days,
        snapshot_date as test_date,
        cast(max(case when feature = 'test_customers' then value end) as integer) as customers,
        {% for metric in metrics -%}
        max(case when feature = '{{ metric }}' then value end) as {{ 'brier_score' if metric == 'brier' else metric }},
        {% endfor -%}
        coalesce(max(case when feature = 'horizon_days' then value end) = {{ var('churn_horizon_days') }}, false)
            as is_horizon_in_use,
        max(model_version) as model_version,
        {{ as_of_date() }} as as_of_date
    from parameters
    group by note, snapshot_date
)

select * from churn_horizon_sensitivity
