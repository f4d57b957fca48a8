{# A column's name in lower case without blanks, signs and the s of a plural, to be held against others.

   Arguments:
     column (string): column that holds the name. #}
{% macro squeezed_name(column) -%}
    rtrim(translate(lower({{ column }}), ' _-.:/()[]', ''), 's')
{%- endmacro %}
