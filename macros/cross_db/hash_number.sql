{# A 64-bit hash of columns as decimal(38, 0), so that hashes of many rows can be summed exactly. Tells
   whether rows changed; differs between the warehouses, so nothing may be chosen by it.

   Arguments:
     columns (list of strings): what is hashed, in order. #}
{% macro hash_number(columns) %}
    {{- return(adapter.dispatch('hash_number', 'clientele')(columns)) -}}
{% endmacro %}

{% macro default__hash_number(columns) -%}
    cast(hash({{ columns | join(', ') }}) as decimal(38, 0))
{%- endmacro %}
