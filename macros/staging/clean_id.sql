{# An identifier in its kept form: text, cleaned, in upper case. `00042` stays `00042`. #}
{% macro clean_id(expression) -%}
    upper({{ clientele.clean_code(expression) }})
{%- endmacro %}
