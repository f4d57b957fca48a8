{# The mapping (var `shop`), empty where there is none. Raises one sentence when it is no mapping. #}
{% macro shop_mapping() %}
    {%- set settings = var('shop') or {} -%}
    {%- if settings is not mapping -%}
        {{ exceptions.raise_compiler_error("The var `shop` is `" ~ settings ~ "`; it must map tables of the raw contract to their settings, as the files in shops/ do.") }}
    {%- endif -%}
    {{- return(settings) -}}
{% endmacro %}

{# A table's part of the mapping (var `shop`).

   Arguments:
     entity (string): a table of the source `shop`. #}
{% macro table_settings(entity) %}
    {{- return(clientele.shop_mapping().get(entity) or {}) -}}
{% endmacro %}
