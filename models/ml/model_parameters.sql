-- Grain: one row per fit, model and parameter of the newest versions that were not trained after
-- as_of_date, so that a past day replayed later does not see the future.
{#- The casts give the columns of a Python model, upper case there, their name here. -#}
{%- set columns = {
    'model_version': 'varchar',
    'fit': 'varchar',
    'model': 'varchar',
    'parameter_type': 'varchar',
    'feature': 'varchar',
    'transform': 'varchar',
    'feature_group': 'varchar',
    'snapshot_date': 'date',
    'fill_value': 'double',
    'mean_value': 'double',
    'scale_value': 'double',
    'coefficient': 'double',
    'tree': 'integer',
    'node': 'integer',
    'threshold': 'double',
    'value': 'double',
    'note': 'varchar',
} %}
{%- set churn_only = [
    'transform', 'feature_group', 'fill_value', 'mean_value', 'scale_value', 'coefficient', 'tree', 'node', 'threshold'
] %}
with

trained as (
    {% for trainer in ['churn_model', 'value_model'] -%}
    select
        {% for column, type in columns.items() -%}
        cast({{ 'null' if trainer == 'value_model' and column in churn_only else column }} as {{ type }}) as {{ column }},
        {% endfor -%}
        cast(as_of_date as date) as trained_date,
        '{{ trainer }}' as trained_by
    from {{ ref(trainer) }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

newest as (
    select
        trained_by,
        max(trained_date) as trained_date
    from trained
    where trained_date <= {{ as_of_date() }}
    group by 1
),

model_parameters as (
    select
        trained.trained_by,
        trained.trained_date,
        trained.{{ columns.keys() | join(',\n        trained.') }}
    from trained
    inner join newest
        on
            trained.trained_by = newest.trained_by
            and trained.trained_date = newest.trained_date
)

select * from model_parameters
