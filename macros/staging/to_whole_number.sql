{# Text as integer: `2` and `2.0` are 2; null when it is no number, not a whole one (a plain cast would
   round 1.5 to 2), or ten million and more: times the largest amount it still fits into money.

   Arguments:
     expression (string): SQL of a text value.
     entity (string): the table of the source `shop` it stands in. #}
{% macro to_whole_number(expression, entity) -%}
    {%- set amount = clientele.to_amount(expression, entity) -%}
    case
        when {{ amount }} = floor({{ amount }}) and abs({{ amount }}) < 10000000 then cast({{ amount }} as integer)
    end
{%- endmacro %}
