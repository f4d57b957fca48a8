{# Text as decimal(18, 4), null when it is no number. Four places, because unit prices below a penny
   exist and only a line's total is rounded to money. #}
{% macro to_amount(expression) -%}
    try_cast({{ expression }} as decimal(18, 4))
{%- endmacro %}
