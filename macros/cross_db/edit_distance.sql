{# How many signs must be put in, taken out or changed to make one text of the other.

   Arguments:
     left (string): SQL of a text.
     right (string): SQL of a text. #}
{% macro edit_distance(left, right) %}
    {{- return(adapter.dispatch('edit_distance', 'clientele')(left, right)) -}}
{% endmacro %}

{% macro duckdb__edit_distance(left, right) -%}
    levenshtein({{ left }}, {{ right }})
{%- endmacro %}

{% macro snowflake__edit_distance(left, right) -%}
    editdistance({{ left }}, {{ right }})
{%- endmacro %}
