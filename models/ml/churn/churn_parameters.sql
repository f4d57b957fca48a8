-- Grain: one row per fit, model and parameter of the version in use.
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
with

trained as (
    select
        {% for column, type in columns.items() -%}
        cast({{ column }} as {{ type }}) as {{ column }},
        {% endfor -%}
        cast(as_of_date as date) as trained_date
    from {{ ref('churn_model') }}
),

churn_parameters as (
    {{ newest_version('trained', columns | list) }}
)

select * from churn_parameters
