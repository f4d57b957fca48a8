{# Text without white space at its ends, and empty text as null. #}
{% macro clean_text(expression) -%}
    nullif(trim({{ expression }}, ' ' || chr(9) || chr(10) || chr(13)), '')
{%- endmacro %}
