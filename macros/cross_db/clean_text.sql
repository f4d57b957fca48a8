{# Text without white space at its ends, empty text as null, composed to NFC where the warehouse can
   (DuckDB). #}
{% macro clean_text(expression) %}
    {{- return(adapter.dispatch('clean_text', 'clientele')(expression)) -}}
{% endmacro %}

{% macro default__clean_text(expression) -%}
    nullif(trim({{ expression }}, ' ' || chr(9) || chr(10) || chr(13)), '')
{%- endmacro %}

{# Nearly all text is printable ASCII without blanks around it; to see that costs a tenth of cleaning. #}
{% macro duckdb__clean_text(expression) -%}
    case
        when {{ clientele.is_plain_ascii(expression) }} then {{ expression }}
        else nullif(trim(nfc_normalize({{ expression }}), ' ' || chr(9) || chr(10) || chr(13)), '')
    end
{%- endmacro %}

{% macro is_plain_ascii(expression) -%}
    regexp_matches({{ expression }}, '^[!-~]([ -~]*[!-~])?$')
{%- endmacro %}
