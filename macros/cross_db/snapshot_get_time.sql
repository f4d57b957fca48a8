{# Snapshots take the data's clock, not the warehouse's: the day after the last accepted order in the
   raw data, so that two builds of the same input write the same history. #}
{% macro duckdb__snapshot_get_time() -%}
    {{ clientele.snapshot_time_of_data() }}
{%- endmacro %}

{% macro snowflake__snapshot_get_time() -%}
    {{ clientele.snapshot_time_of_data() }}
{%- endmacro %}

{% macro snapshot_time_of_data() -%}
    (select cast(day_after_last_order as timestamp) from {{ ref('as_of_date') }})
{%- endmacro %}
