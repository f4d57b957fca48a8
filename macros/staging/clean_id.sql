{# An identifier in its kept form: text, cleaned, in upper case. `00042` stays `00042`; a whole number that a
   program wrote as a double (`17850.0`) and Excel's wrapping (`="00042"`, `'00042`) are undone. #}
{% macro clean_id(expression) -%}
    upper({{ clientele.unwrap_id(expression) }})
{%- endmacro %}

{# SQL that is true for an id which is a word for nothing: `null`, or one of the seed `placeholder_ids`.

   Arguments:
     column (string): a cleaned id.
     of_customer (boolean): whether it is a customer's, who may also be a `guest`. #}
{% macro is_placeholder(column, of_customer=false) -%}
    ({{ column }} = 'NULL' or {{ column }} in (
        select upper(placeholder_ids.placeholder)
        from {{ ref('placeholder_ids') }} as placeholder_ids
        {{ 'where not placeholder_ids.of_customers_only' if not of_customer }}
    ))
{%- endmacro %}

{# A cleaned id, null when it is a word for nothing.

   Arguments:
     column (string): a cleaned id.
     of_customer (boolean): whether it is a customer's. #}
{% macro known_id(column, of_customer=false) -%}
    case when not coalesce({{ clientele.is_placeholder(column, of_customer) }}, false) then {{ column }} end
{%- endmacro %}
