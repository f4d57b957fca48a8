{# Text as integer: `2` and `2.0` are 2; null when it is no number, not a whole one (a plain cast would
   round 1.5 to 2), or ten million and more: times the largest amount it still fits into money. #}
{% macro to_whole_number(expression) -%}
    case
        when {{ clientele.to_amount(expression) }} = floor({{ clientele.to_amount(expression) }})
            and abs({{ clientele.to_amount(expression) }}) < 10000000
            then cast({{ clientele.to_amount(expression) }} as integer)
    end
{%- endmacro %}
