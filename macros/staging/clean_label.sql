{# A code, status or e-mail address in its kept form: text, cleaned, in lower case. #}
{% macro clean_label(expression) -%}
    lower({{ clientele.clean_code(expression) }})
{%- endmacro %}
