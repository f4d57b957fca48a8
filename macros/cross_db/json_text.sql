{# The text at a path of a JSON value; null where there is none, or no JSON.

   Arguments:
     column (string): SQL of a column of JSON text.
     path (string): keys with dots between them, and places from 0 in brackets: `price.amount`, `lines[0].sku`. #}
{% macro duckdb__json_text(column, path) -%}
    case when json_valid({{ column }}) then json_extract_string({{ column }}, '${{ '.' if not path.startswith('[') }}{{ path }}') end
{%- endmacro %}

{% macro snowflake__json_text(column, path) -%}
    cast(get_path(try_parse_json({{ column }}), '{{ path }}') as varchar)
{%- endmacro %}
