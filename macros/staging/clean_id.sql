{# An identifier in its kept form: text, cleaned, in upper case. `00042` stays `00042`; a whole number that a
   program wrote as a double (`17850.0`) and Excel's wrapping (`="00042"`, `'00042`) are undone. #}
{% macro clean_id(expression) -%}
    upper({{ clientele.unwrap_id(expression) }})
{%- endmacro %}

{# SQL that is true for an id which is a word for nothing (seed `placeholder_ids`). The word `null` stands here:
   for Snowflake dbt would read it in a seed as null.

   Arguments:
     column (string): a cleaned id. #}
{% macro is_placeholder(column) -%}
    (
        {{ column }} = 'NULL'
        or {{ column }} in (select upper(placeholder_ids.placeholder) from {{ ref('placeholder_ids') }} as placeholder_ids)
    )
{%- endmacro %}

{# A cleaned id, null when it is a word for nothing.

   Arguments:
     column (string): a cleaned id. #}
{% macro known_id(column) -%}
    case when not coalesce({{ clientele.is_placeholder(column) }}, false) then {{ column }} end
{%- endmacro %}
