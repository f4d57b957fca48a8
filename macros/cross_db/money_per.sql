{# An amount of money per thing counted, to the cent, halves away from zero; null when nothing was counted.
   In cents, because Snowflake divides decimals exactly and DuckDB as doubles: the halves of whole cents are
   exact in both.

   Arguments:
     amount (string): SQL of an amount as decimal(18, 2).
     count (string): SQL of a whole number. #}
{% macro money_per(amount, count) -%}
    cast(round(cast(cast({{ amount }} as decimal(34, 2)) * 100 as double) / nullif({{ count }}, 0)) / 100 as decimal(18, 2))
{%- endmacro %}
