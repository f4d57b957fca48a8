{# True when the whole text matches a regular expression.

   Arguments:
     expression (string): SQL of a text value.
     pattern (string): the expression, without backslashes, which the warehouses read differently. #}
{% macro full_match(expression, pattern) %}
    {{- return(adapter.dispatch('full_match', 'clientele')(expression, pattern)) -}}
{% endmacro %}

{% macro duckdb__full_match(expression, pattern) -%}
    regexp_full_match({{ expression }}, '{{ pattern }}')
{%- endmacro %}

{% macro snowflake__full_match(expression, pattern) -%}
    regexp_like({{ expression }}, '{{ pattern }}')
{%- endmacro %}
