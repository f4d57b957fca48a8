{# The raw records of a table of the raw contract: every contract column as `raw_<column>`, `landing_rule` (the
   rule a record broke on its way in, if any) and `copy_number` (1, 2, ... among records alike in every column).
   Of a customer who asked to be forgotten nothing is read that tells who they are.

   Arguments:
     entity (string): a table of the source `shop`. #}
{% macro raw_records(entity) %}
    {%- set columns = raw_columns(entity) + ['landing_record', 'landing_rule'] %}
    {%- if entity not in ['products', 'inventory'] -%}
        {%- set forgotten = clientele.is_forgotten(clientele.clean_id('customer_id')) -%}
    {%- endif %}
    {%- set values = {} -%}
    {%- for column in columns -%}
        {%- set name = clientele.column_name(column) -%}
        {%- do values.update({column: "case when not " ~ forgotten ~ " then " ~ name ~ " end"
            if forgotten and column in raw_columns('customers') else name}) -%}
    {%- endfor %}
    select
        {% for column, value in values.items() -%}
        {{ value }} as {{ 'raw_' if column != 'landing_rule' }}{{ column }},
        {% endfor -%}
        row_number() over (partition by {{ values.values() | join(', ') }} order by {{ columns | last }}) as copy_number
    from {{ source('shop', entity) }}
{% endmacro %}

{# The raw record as JSON text: what lands in rejected_rows. #}
{% macro raw_record(entity) -%}
    {{ json_record(raw_columns(entity) + ['landing_record']) }}
{%- endmacro %}
