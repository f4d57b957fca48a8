{# The cleaned text of an id without what programs put around it: `17850.0` is 17850, `="00042"` and `'00042`
   are 00042. #}
{% macro unwrap_id(expression) %}
    {{- return(adapter.dispatch('unwrap_id', 'clientele')(expression)) -}}
{% endmacro %}

{# Nearly all ids are printable ASCII without blanks around them, a quote or `=` in front, or a point before
   a zero at their end; to see that costs a tenth of unwrapping them. #}
{% macro duckdb__unwrap_id(expression) -%}
    case
        when regexp_matches({{ expression }}, '^[!-&(-<>-~]([ -~]*[!-/1-~]|[ -,/-~-]*0)?$') then {{ expression }}
        else {{ clientele.unwrapped(expression, '\\1') }}
    end
{%- endmacro %}

{# A backslash in a literal is written twice. #}
{% macro snowflake__unwrap_id(expression) -%}
    {{ clientele.unwrapped(expression, '\\\\1') }}
{%- endmacro %}

{# Arguments:
     expression (string): SQL of a text value.
     group (string): how the warehouse writes the first group of a pattern. #}
{% macro unwrapped(expression, group) -%}
    {%- set bare -%}
        regexp_replace({{ clientele.clean_code(expression) }}, '^(=?"|=?'')([^"'']*)["'']?$', '{{ group | replace('1', '2') }}')
    {%- endset -%}
    {{ clientele.default__clean_text("regexp_replace(" ~ bare ~ ", '^(-?[0-9]+)[.]0+$', '" ~ group ~ "')") }}
{%- endmacro %}
