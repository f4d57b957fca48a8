-- Grain: one row per fit and parameter of the version in use. The casts give the columns of tables that
-- Python once made, upper case there, their name here.
{%- set columns = {
    'model_version': 'varchar',
    'fit': 'varchar',
    'parameter_type': 'varchar',
    'feature': 'varchar',
    'snapshot_date': 'date',
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
    from {{ ref('value_model') }}
),

value_parameters as (
    {{ newest_version('trained', columns | list) }}
)

select * from value_parameters
