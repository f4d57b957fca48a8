{# Text as decimal(18, 4), null when it is no number. Four places, because unit prices below a penny
   exist and only a line's total is rounded to money; null from a thousand million on, because a slip of the
   keyboard of that size would leave no room for totals. #}
{% macro to_amount(expression) -%}
    cast(try_cast({{ expression }} as decimal(13, 4)) as decimal(18, 4))
{%- endmacro %}
