{# Text without white space at its ends, and empty text as null. #}
{% macro clean_text(expression) %}
    {{- return(adapter.dispatch('clean_text', 'clientele')(expression)) -}}
{% endmacro %}

{% macro default__clean_text(expression) -%}
    nullif(trim({{ expression }}, ' ' || chr(9) || chr(10) || chr(13)), '')
{%- endmacro %}

{# Nearly all texts begin and end with something else; to see that costs a tenth of trimming them. #}
{% macro duckdb__clean_text(expression) -%}
    case
        when ({{ expression }})[1] > ' ' and ({{ expression }})[-1] > ' ' then {{ expression }}
        else {{ clientele.default__clean_text(expression) }}
    end
{%- endmacro %}
