{# A table's part of the mapping (var `shop`).

   Arguments:
     entity (string): a table of the source `shop`. #}
{% macro table_settings(entity) %}
    {{- return((var('shop') or {}).get(entity) or {}) -}}
{% endmacro %}
