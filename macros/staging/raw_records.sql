{# The distinct raw records of a table of the raw contract: every contract column as `raw_<column>`,
   `landing_rule` (the rule a record broke on its way in, if any) and `record_count` (how many exact
   copies the raw table holds).

   Arguments:
     entity (string): a table of the source `shop`. #}
{% macro raw_records(entity) %}
    select
        {% for column in raw_columns(entity) + ['landing_record'] -%}
        {{ column }} as raw_{{ column }},
        {% endfor -%}
        landing_rule,
        count(*) as record_count
    from {{ source('shop', entity) }}
    group by
        {% for column in raw_columns(entity) + ['landing_record'] -%}
        {{ column }},
        {% endfor -%}
        landing_rule
{% endmacro %}

{# The raw record as JSON text: what lands in rejected_rows. #}
{% macro raw_record(entity) -%}
    {{ json_record(raw_columns(entity) + ['landing_record']) }}
{%- endmacro %}
