{# Text as integer: `2` and `2.0` are 2; null when it is no number or not a whole one (a plain
   cast would round 1.5 to 2). #}
{% macro to_whole_number(expression) -%}
    case
        when {{ clientele.to_amount(expression) }} = floor({{ clientele.to_amount(expression) }})
            and abs({{ clientele.to_amount(expression) }}) <= 2147483647
            then cast({{ clientele.to_amount(expression) }} as integer)
    end
{%- endmacro %}
