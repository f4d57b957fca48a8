{# An array of values of one type. #}
{% macro array_of(values) %}
    {{- return(adapter.dispatch('array_of', 'clientele')(values)) -}}
{% endmacro %}

{% macro duckdb__array_of(values) -%}
    list_value({{ values | join(', ') }})
{%- endmacro %}

{% macro snowflake__array_of(values) -%}
    array_construct({{ values | join(', ') }})
{%- endmacro %}

{# The double at a place of an array, counted from 0; null outside of it.

   Arguments:
     array (string): SQL of the array.
     place (string): SQL of the place. #}
{% macro array_item(array, place) %}
    {{- return(adapter.dispatch('array_item', 'clientele')(array, place)) -}}
{% endmacro %}

{% macro duckdb__array_item(array, place) -%}
    list_extract({{ array }}, {{ place }} + 1)
{%- endmacro %}

{% macro snowflake__array_item(array, place) -%}
    cast(get({{ array }}, {{ place }}) as double)
{%- endmacro %}
