{# Day of the week by ISO 8601: 1 is Monday, 7 is Sunday. #}
{% macro day_of_week(expression) %}
    {{- return(adapter.dispatch('day_of_week', 'clientele')(expression)) -}}
{% endmacro %}

{% macro duckdb__day_of_week(expression) -%}
    extract(isodow from {{ expression }})
{%- endmacro %}

{% macro snowflake__day_of_week(expression) -%}
    dayofweekiso({{ expression }})
{%- endmacro %}
