{# The raw records of a table of the raw contract: every contract column as `raw_<column>`, `landing_rule` (the
   rule a record broke on its way in, if any) and `copy_number` (1, 2, ... among records alike in every column).

   Arguments:
     entity (string): a table of the source `shop`. #}
{% macro raw_records(entity) %}
    {%- set columns = raw_columns(entity) + ['landing_record', 'landing_rule'] %}
    select
        {% for column in columns -%}
        {{ column }} as {{ 'raw_' if column != 'landing_rule' }}{{ column }},
        {% endfor -%}
        row_number() over (partition by {{ columns | join(', ') }} order by {{ columns | last }}) as copy_number
    from {{ source('shop', entity) }}
{% endmacro %}

{# The raw record as JSON text: what lands in rejected_rows. #}
{% macro raw_record(entity) -%}
    {{ json_record(raw_columns(entity) + ['landing_record']) }}
{%- endmacro %}
